package http

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/identity"
	"atelier/messages"
)

// The rooms of a node over a document and a hub that do what a test says. What they do
// with real ones and real providers is shown in test/yjs.

const someDocument = "0190a000-0000-7000-8000-000000000005"

// fakeDocument is a document. What writes or reads waits for a permit, where there is
// a channel for them.
type fakeDocument struct {
	documents

	mu       sync.Mutex
	role     bool // it may be written
	number   int64
	appended [][][]byte
	refuse   func(update []byte) error
	read     func(vector []byte) (position int64)
	permits  chan struct{}
	waiting  atomic.Int32 // for one
	asked    atomic.Int32 // to append
	vectors  [][]byte
	looked   int // for what an update adds
}

func (d *fakeDocument) GetGrant(_ context.Context, c *messages.GetGrant) (*messages.Grant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number++
	return &messages.Grant{ProjectId: someProject, DocumentId: c.GetDocumentId(), UserId: c.GetMeta().GetPrincipal(), Number: d.number, Write: d.role}, nil
}

func (d *fakeDocument) AppendUpdates(_ context.Context, _ *messages.AppendUpdate, updates [][]byte) error {
	d.asked.Add(1)
	if d.permits != nil {
		d.waiting.Add(1)
		<-d.permits
		d.waiting.Add(-1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		for _, u := range updates {
			if err := d.refuse(u); err != nil {
				return err
			}
		}
	}
	d.appended = append(d.appended, updates)
	return nil
}

func (d *fakeDocument) Adds(_ context.Context, _ string, update []byte) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked++
	return !slices.Equal(update, []byte{0, 0}), nil
}

func (d *fakeDocument) ReadMissing(_ context.Context, _ string, vector []byte) (update, has []byte, position int64, err error) {
	d.mu.Lock()
	d.vectors = append(d.vectors, vector)
	read := d.read
	d.mu.Unlock()
	if read != nil {
		position = read(vector)
	}
	return []byte{byte(position), 'c'}, []byte{1, 7, byte(position)}, position, nil
}

func (d *fakeDocument) waits() int { return int(d.waiting.Load()) }

func (d *fakeDocument) written() [][][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.appended)
}

// fakeHub has what watches.
type fakeHub struct {
	liveHub

	mu       sync.Mutex
	watchers []messages.Watcher
	said     int                    // signals
	watched  func(messages.Watcher) // before the watch is known to whoever asked for it
	stopped  []int                  // watches
}

func (h *fakeHub) Watch(_ context.Context, _ messages.Topic, w messages.Watcher) (int64, func(), error) {
	h.mu.Lock()
	n, watched := len(h.watchers), h.watched
	h.watchers, h.watched = append(h.watchers, w), nil
	h.mu.Unlock()
	if watched != nil {
		watched(w)
	}
	return 0, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.stopped = append(h.stopped, n)
	}, nil
}

func (h *fakeHub) Signal(messages.Topic, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said++
}

func (h *fakeHub) did() (said int, stopped []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said, slices.Clone(h.stopped)
}

func (h *fakeHub) watcher(i int) messages.Watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < len(h.watchers) {
		return h.watchers[i]
	}
	return nil
}

func (h *fakeHub) commit(seqs ...int64) {
	b := &messages.Batch{Topic: messages.Topic{Kind: messages.TopicDocument, ID: someDocument}}
	for _, seq := range seqs {
		b.Events = append(b.Events, &messages.EventRecord{Seq: seq, Data: []byte{byte(seq), 'u'}})
	}
	h.mu.Lock()
	last := h.watchers[len(h.watchers)-1]
	h.mu.Unlock()
	last.Committed(b)
}

type fakeDocumentQueries struct{ fakeQueries }

func (fakeDocumentQueries) DocumentProject(_ context.Context, id string) (string, error) {
	if id == someDocument {
		return someProject, nil
	}
	return "", nil
}

// yjsHost is the edge with a document.
type yjsHost struct {
	*socketHost
	document *fakeDocument
	hub      *fakeHub
}

func hostDocument(t *testing.T) *yjsHost {
	t.Helper()
	h := &yjsHost{document: &fakeDocument{role: true}, hub: &fakeHub{}}
	h.socketHost = hostSockets(t, yjsLimits, nil)
	h.deps.Documents, h.deps.Live, h.deps.Queries = h.document, h.hub, fakeDocumentQueries{}
	h.yjs = newYjsRooms(h.hub, h.document)
	return h
}

// wired is a client that speaks a protocol by hand.
type wired struct {
	t *testing.T
	c *websocket.Conn
}

func (h *yjsHost) open(t *testing.T, path string) *wired {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+h.address+base+path, &websocket.DialOptions{Subprotocols: []string{tokenProtocol + goodToken}}) //nolint:bodyclose // of a handshake there is none
	require.NoError(t, err)
	require.Equal(t, tokenProtocol+goodToken, c.Subprotocol())
	t.Cleanup(func() { _ = c.CloseNow() })
	return &wired{t, c}
}

func (w *wired) send(b []byte) {
	w.t.Helper()
	require.NoError(w.t, w.c.Write(w.t.Context(), websocket.MessageBinary, b))
}

func (w *wired) next() string {
	w.t.Helper()
	_, b, err := w.c.Read(w.t.Context())
	require.NoError(w.t, err)
	return string(b)
}

func (w *wired) closed() int {
	w.t.Helper()
	for {
		if _, _, err := w.c.Read(w.t.Context()); err != nil {
			return int(websocket.CloseStatus(err))
		}
	}
}

// synced asks for the content and takes it.
func (w *wired) synced(x ysync.Wire, position byte) {
	w.t.Helper()
	w.send(x.Step1([]byte{0}))
	require.Equal(w.t, string(x.Step2([]byte{position, 'c'})), w.next())
	require.Equal(w.t, string(x.Step1([]byte{1, 7, position})), w.next())
}

// auth is the message that begins a document of Hocuspocus.
func auth(key, token string) []byte {
	b := append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	b = append(b, byte(ysync.Auth), 0)
	return append(binary.AppendUvarint(b, uint64(len(token))), token...)
}

func TestUpdatesThatComeMeanwhileAreWrittenTogether(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.permits = make(chan struct{})
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(x.Update([]byte("0"))) // waits to be let in
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	for _, u := range []string{"1", "2"} {
		c.send(x.Update([]byte(u)))
	}
	c.send([]byte{byte(ysync.Ping)})
	require.Equal(t, "\x0a", c.next(), "nothing is acknowledged that is not durable")
	h.document.permits <- struct{}{}
	require.Equal(t, string(x.Saved(true)), c.next())
	h.document.mu.Lock()
	h.document.refuse = func(u []byte) error {
		if string(u) == "2" {
			return messages.Invalid("", "format", "it is none")
		}
		return nil
	}
	h.document.mu.Unlock()
	close(h.document.permits)
	require.Equal(t, string(x.Saved(true)), c.next())
	require.Equal(t, string(x.Saved(false)), c.next())
	require.Equal(t, [][][]byte{{[]byte("0")}, {[]byte("1")}}, h.document.written(), "of those that came together each alone, since one was refused")
}

// What is refused among many does not have each of the others written alone.
func TestOneUpdateThatIsRefusedCostsLittle(t *testing.T) {
	t.Parallel()
	const many = 4096
	for name, test := range map[string]struct {
		bad  func(i int) bool
		most func(time.Duration) int32 // commands
	}{
		"one":  {func(i int) bool { return i == many/3 }, func(time.Duration) int32 { return 2 + 2*12 }},
		"many": {func(i int) bool { return i%2 == 0 }, func(took time.Duration) int32 { return 2 + 2*(faultBurst+askRate*int32(1+took/time.Second)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hostDocument(t)
			h.document.permits = make(chan struct{})
			h.document.refuse = func(u []byte) error {
				if u[0] == 'b' {
					return messages.Invalid("", "format", "it is none")
				}
				return nil
			}
			x := ysync.Enveloped(someDocument)
			c := h.open(t, "/hocuspocus")
			c.send(auth(someDocument, ""))
			require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
			c.send(x.Update([]byte("good")))
			go func() {
				for i := range many {
					u := "good"
					if test.bad(i) {
						u = "bad"
					}
					_ = c.c.Write(t.Context(), websocket.MessageBinary, x.Update([]byte(u)))
				}
				_ = c.c.Write(t.Context(), websocket.MessageBinary, []byte{byte(ysync.Ping)})
			}()
			require.Equal(t, "\x0a", c.next(), "all of it waits")
			began := time.Now()
			close(h.document.permits)
			for range many + 1 {
				require.Contains(t, []string{string(x.Saved(true)), string(x.Saved(false))}, c.next())
			}
			require.LessOrEqual(t, h.document.asked.Load(), test.most(time.Since(began)))
		})
	}
}

// beatAll has all sockets say what they say by themselves.
func (h *yjsHost) beatAll() {
	for slot := range slots {
		for _, s := range h.sockets.inSlot(slot) {
			if by := s.spokenFor(); by != nil {
				by.beat()
			}
		}
	}
}

// Between the content and what follows there is no gap, and nothing comes twice.
func TestContentIsHandedOverWithoutAGap(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	for _, path := range []string{"/yjs/" + someDocument, "/documents/" + someDocument + "/yjs"} {
		h.document.read = func([]byte) int64 {
			h.hub.commit(4, 5)
			h.hub.commit(6)
			return 5
		}
		c := h.open(t, path)
		x := ysync.Plain()
		c.synced(x, 5)
		require.Equal(t, string(x.Update([]byte{6, 'u'})), c.next())
		h.hub.commit(7, 8)
		require.Equal(t, string(x.Update([]byte{7, 'u'})), c.next())
		require.Equal(t, string(x.Update([]byte{8, 'u'})), c.next())
		require.NoError(t, c.c.Close(websocket.StatusNormalClosure, ""))
		require.Eventually(t, func() bool { return h.Sockets() == 0 }, 10*time.Second, time.Millisecond)
	}
}

// What was not told while nobody watched is made up for, by what all had before.
func TestWhatIsLostIsMadeUpFor(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	x := ysync.Plain()
	c := h.open(t, "/yjs/"+someDocument)
	c.synced(x, 0)
	h.hub.commit(1)
	require.Equal(t, string(x.Update([]byte{1, 'u'})), c.next())
	h.document.read = func([]byte) int64 { return 9 }
	h.hub.watcher(0).Lost()
	require.Equal(t, string(x.Update([]byte{9, 'c'})), c.next())
	require.NotNil(t, h.hub.watcher(1))
	h.document.mu.Lock()
	require.Equal(t, []byte{1, 7, 0}, h.document.vectors[len(h.document.vectors)-1], "what the client had")
	h.document.mu.Unlock()
	h.hub.commit(10)
	require.Equal(t, string(x.Update([]byte{10, 'u'})), c.next())
}

// A watch that is lost before the room knows of it does not take the place of the next.
func TestTheLastWatchIsTheOneThatEnds(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.hub.watched = func(w messages.Watcher) {
		w.Lost()
		require.Eventually(t, func() bool { said, _ := h.hub.did(); return said > 0 }, 10*time.Second, time.Millisecond, "the next watch has begun")
	}
	c := h.open(t, "/yjs/"+someDocument)
	c.synced(ysync.Plain(), 0)
	require.NoError(t, c.c.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		_, stopped := h.hub.did()
		return slices.Contains(stopped, 1)
	}, 10*time.Second, time.Millisecond)
}

func TestReadersAreToldOnce(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.role = false
	x := ysync.Plain()
	c := h.open(t, "/yjs/"+someDocument)
	for range 3 {
		c.send(x.Update([]byte("no")))
	}
	require.Equal(t, string(x.Denied(messages.CodeForbidden)), c.next())
	c.synced(x, 0)
	require.Empty(t, h.document.written())
	h.document.mu.Lock()
	h.document.role = true // it has come back from the archive
	h.document.mu.Unlock()
	c.send(x.Update([]byte("yes")))
	require.Equal(t, string(x.Step1([]byte{1, 7, 0})), c.next(), "it brings what was refused")
	require.Eventually(t, func() bool { return len(h.document.written()) == 1 }, 10*time.Second, time.Millisecond)
}

// What a reader sends costs the node little, however much it is.
func TestReadersHaveFewLooksAtTheDocument(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.role = false
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadOnly)), c.next())
	c.send(x.Update([]byte{0, 0}))
	require.Equal(t, string(x.Saved(true)), c.next())
	const many = 100 * askBurst
	go func() {
		for range many {
			_ = c.c.Write(t.Context(), websocket.MessageBinary, x.Update([]byte("no")))
		}
	}()
	began := time.Now()
	for range many {
		require.Equal(t, string(x.Saved(false)), c.next())
	}
	h.document.mu.Lock()
	defer h.document.mu.Unlock()
	require.LessOrEqual(t, h.document.looked, askBurst+1+askRate*(1+int(time.Since(began)/time.Second)))
}

func TestSocketsOfDocumentsEndForAReason(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	large := make([]byte, messages.MaxUpdate+1)
	for name, test := range map[string]struct {
		path string
		send []byte
		code int
	}{
		"no message":                     {"/yjs/" + someDocument, []byte{99}, closeBadFrame},
		"a large update":                 {"/yjs/" + someDocument, ysync.Plain().Update(large), closeTooLarge},
		"a state that is none":           {"/yjs/" + someDocument, ysync.Plain().Awareness([]byte{1, 7, 1, 1, '7'}), closeBadFrame},
		"a large message before a token": {"/hocuspocus", ysync.Enveloped(someDocument).Update(make([]byte, maxFirst)), closeTooLarge},
		"no document":                    {"/yjs/" + someUser, nil, closeNotFound},
		"no envelope":                    {"/hocuspocus", []byte{200}, closeBadFrame},
		"no end of denials":              {"/hocuspocus", nil, closeUnauthenticated},
		"no end of questions":            {"/yjs/" + someDocument, nil, closeAbuse},
		"much before a token":            {"/hocuspocus", nil, closeAbuse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := h.open(t, test.path)
			if test.send != nil {
				c.send(test.send)
			}
			switch name {
			case "no end of denials":
				for range maxDenials + 1 {
					c.send(auth(someDocument, "a.bad.one"))
				}
			case "much before a token":
				for i := range maxWaits/messages.MaxUpdate + 1 {
					c.send(ysync.Enveloped(strings.Repeat("d", i+1)).Update(large))
				}
			case "no end of questions":
				for range askBurst + 1 {
					c.send(ysync.Plain().Step1([]byte{0}))
				}
			}
			require.Equal(t, test.code, c.closed())
		})
	}
	for path, code := range map[string]int{"/yjs/minutes": closeNotFound, "/documents/7/yjs": closeNotFound, "/yjs/" + someDocument + "?room=1": closeBadFrame} {
		require.Equal(t, code, h.open(t, path).closed(), path)
		require.GreaterOrEqual(t, h.ask("GET", base+path, "").StatusCode(), 400, "who opens no socket")
	}
	c := h.open(t, "/hocuspocus")
	x := ysync.Enveloped(someDocument)
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	c.send(x.Update(large))
	require.Equal(t, string(x.Saved(false)), c.next())
	c.send(x.Step2(make([]byte, maxFirst)))
	require.Equal(t, string(x.Saved(true)), c.next(), "what it had, from the time when it was away")
	c.send(auth(someUser, ""))
	require.Equal(t, string(ysync.Enveloped(someUser).Denied(messages.CodeNotFound)), c.next(), "one of several documents")
	other := h.open(t, "/hocuspocus")
	other.send(auth(someUser, ""))
	require.Equal(t, string(ysync.Enveloped(someUser).Denied(messages.CodeNotFound)), other.next())
	h.beatAll()
	require.Equal(t, "\x00\x09", other.next(), "who was denied stays, and hears that the server is there")
	require.NoError(t, c.c.Write(t.Context(), websocket.MessageText, []byte("text")))
	require.Equal(t, closeBadFrame, c.closed())
}

// shortFlows has tokens that expire in a moment.
type shortFlows struct{ fakeFlows }

func (f shortFlows) Authenticate(ctx context.Context, token string) (*identity.Principal, error) {
	if token != "short.one" {
		return f.fakeFlows.Authenticate(ctx, goodToken)
	}
	return &identity.Principal{UserID: someUser, SessionID: someSession, Expires: time.Now().Add(300 * time.Millisecond)}, nil
}

func TestTokensAreAskedForAnew(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.deps.Flows = shortFlows{}
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(auth(someDocument, "short.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	require.Equal(t, string(x.AskToken()), c.next())
	c.send(auth(someDocument, "long.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	c.synced(x, 0)
	c.send(auth(someDocument, "short.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	require.Equal(t, string(x.AskToken()), c.next())
	require.Equal(t, string(x.Denied(messages.CodeTokenExpired)), c.next())
	require.Equal(t, closeUnauthenticated, c.closed())
	plain, _, err := websocket.Dial(t.Context(), "ws://"+h.address+base+"/yjs/"+someDocument, &websocket.DialOptions{Subprotocols: []string{tokenProtocol + "short.one"}}) //nolint:bodyclose // of a handshake there is none
	require.NoError(t, err)
	require.Equal(t, closeUnauthenticated, (&wired{t, plain}).closed())
}
