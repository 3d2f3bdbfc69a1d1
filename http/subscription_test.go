package http

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/identity"
	"atelier/messages"
)

// script is a connection that keeps what is written.
type script struct {
	witness
	mu   sync.Mutex
	text []byte
}

func (s *script) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, b...)
	return len(b), nil
}

func (s *script) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// stage is an edge whose hub and projects a test plays.
type stage struct {
	*Server
	hub *playedHub
}

// playedHub notes who leaves, and does something while a topic is about to be watched.
type playedHub struct {
	fakeLive
	mu    sync.Mutex
	left  []string
	watch func(messages.Watcher)
}

func (h *playedHub) Watch(_ context.Context, _ messages.Topic, w messages.Watcher) (int64, func(), error) {
	if h.watch != nil {
		h.watch(w)
	}
	return 7, func() {}, nil
}

func (h *playedHub) Leave(project, _ string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = append(h.left, project)
}

func (h *playedHub) leaves() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.left)
}

// playedProjects has one of which everybody who asks is an editor.
type playedProjects struct{ fakeProjects }

func (playedProjects) GetPermissions(context.Context, *messages.GetPermissions) (*messages.Permissions, error) {
	return &messages.Permissions{Role: "editor"}, nil
}

func newStage() *stage {
	s := &stage{fakeServer(), &playedHub{}}
	s.deps.Live, s.deps.Projects = s.hub, playedProjects{}
	return s
}

// channel is one on a connection that keeps what is written.
func (s *stage) channel(t *testing.T) (*channel, *script) {
	t.Helper()
	conn := &script{}
	ch := &channel{server: s.Server, socket: newSocket(conn, nil, roomy, s.holdings.lease.Trust), subs: make(map[string]*subscription), rate: newBucket(messageRate, messageBurst), id: uuid.New()}
	require.NoError(t, ch.seat(t.Context(), &party{Principal: &identity.Principal{UserID: someUser, SessionID: someSession}}))
	t.Cleanup(func() {
		ch.socket.abort(closeGone)
		s.holdings.leaveAll(ch.socket)
	})
	return ch, conn
}

// TestATopicThatEndsBeforeTheAnswer: the client is told, and nothing stays.
func TestATopicThatEndsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.hub.watch = func(w messages.Watcher) { w.Lost() }
	ch, _ := s.channel(t)
	err := ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: someProject})
	require.Equal(t, messages.CodeUnavailable, messages.CodeOf(err))
	require.Empty(t, ch.subs)
	require.Empty(t, s.holdings.projects)
}

// TestWhoSubscribesAnewStays: the end of a subscription that another has followed does
// not take its user away.
func TestWhoSubscribesAnewStays(t *testing.T) {
	t.Parallel()
	s := newStage()
	ch, conn := s.channel(t)
	sub := func() *subscription {
		require.NoError(t, ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: someProject}))
		return ch.subs[someProject]
	}
	first := sub()
	sub()
	before := s.hub.leaves()
	first.ended()
	require.Equal(t, before, s.hub.leaves())

	last := ch.subs[someProject]
	last.mu.Lock()
	last.role = "public" // it was taken out of a project that everybody may read
	last.mu.Unlock()
	last.kept()
	require.Equal(t, before+1, s.hub.leaves())
	require.Eventually(t, func() bool { return len(conn.String()) > 0 }, 10*time.Second, time.Millisecond)
}

// TestWhatManyAreToldIsFramedOnce: sockets that are told the same share its bytes, and
// who says something does not hear it.
func TestWhatManyAreToldIsFramedOnce(t *testing.T) {
	t.Parallel()
	s := newStage()
	var all []*subscription
	for range 3 {
		ch, _ := s.channel(t)
		require.NoError(t, ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: someProject}))
		ch.socket.stop() // what is queued stays there
		all = append(all, ch.subs[someProject])
	}
	topic := messages.Topic{Kind: messages.TopicProject, ID: someProject}
	batch := &messages.Batch{Topic: topic, Events: []*messages.EventRecord{{Seq: all[0].last + 1, Type: "project.updated", Data: []byte("{}")}}}
	change := &messages.PresenceChange{Topic: topic, Leave: []string{someUser}}
	signal := &messages.Signal{Payload: append(all[2].self[:], "{}"...)}
	last := func(u *subscription) *byte {
		u.socket.mu.Lock()
		defer u.socket.mu.Unlock()
		return &u.socket.queue[len(u.socket.queue)-1].bytes[0]
	}
	for _, tell := range []func(*subscription){
		func(u *subscription) { u.Committed(batch) }, func(u *subscription) { u.Present(change) }, func(u *subscription) { u.Signals([]*messages.Signal{signal}) },
	} {
		for _, u := range all {
			tell(u)
		}
		require.Same(t, last(all[0]), last(all[1]))
	}
	require.NotSame(t, last(all[0]), last(all[2]))
}

// TestNothingGoesBeforeTheHead: of a stream that is kept alive, or ends, before its
// head was sent.
func TestNothingGoesBeforeTheHead(t *testing.T) {
	t.Parallel()
	table := NewHoldings(nil)
	stream := func() (*socket, *script) {
		conn := &script{}
		s := newSocket(conn, nil, roomy, table.lease.Trust)
		s.manner, s.mute = sseWire{chunked: true}.manner(), true
		require.NoError(t, table.enter(t.Context(), &hold{socket: s}))
		t.Cleanup(func() { table.leaveAll(s) })
		return s, conn
	}
	s, conn := stream()
	s.ping()
	s.send(frame{bytes: []byte("HTTP/1.1 200 OK\r\n\r\n")})
	require.Eventually(t, func() bool { return conn.String() != "" }, 10*time.Second, time.Millisecond)
	require.Equal(t, "HTTP/1.1 200 OK\r\n\r\n", conn.String())
	s.ping()
	require.Eventually(t, func() bool { return len(conn.String()) > 19 }, 10*time.Second, time.Millisecond)
	s.close(closeDraining, "")
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.done }, 10*time.Second, time.Millisecond)
	require.Equal(t, "HTTP/1.1 200 OK\r\n\r\n3\r\n:\n\n\r\n0\r\n\r\n", conn.String())

	s, conn = stream()
	s.close(closeDraining, "")
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.done }, 10*time.Second, time.Millisecond)
	require.Empty(t, conn.String())
}
