package http

import (
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// witness is a connection that notices what is written to it when nothing may be.
type witness struct {
	net.Conn
	shut  atomic.Bool
	late  atomic.Int32
	heard atomic.Int32
}

func (w *witness) Write(b []byte) (int, error) {
	if shut := w.shut.Load(); shut && opcode(b[0]&0xf) != opClose {
		w.late.Add(1)
	}
	w.heard.Add(1)
	runtime.Gosched()
	return len(b), nil
}

func (w *witness) Read([]byte) (int, error)         { return 0, io.EOF }
func (w *witness) SetWriteDeadline(time.Time) error { return nil }
func (w *witness) SetReadDeadline(time.Time) error  { return nil }
func (w *witness) Close() error                     { return nil }

// truth is what rights are asked of.
type truth struct{ refuses atomic.Bool }

func (t *truth) ask(context.Context) error {
	refuses := t.refuses.Load()
	runtime.Gosched() // what was found may be old when it is said
	if refuses {
		return messages.Missing("project")
	}
	return nil
}

// TestRevocationsStopSockets: a right is taken away while frames go out by it, while it
// is entered, and while it is asked for anew. When Revoke has returned nothing goes
// out by it, and nothing comes in.
func TestRevocationsStopSockets(t *testing.T) {
	t.Parallel()
	for _, mark := range []messages.Mark{{Project: someProject}, {Project: someProject, User: someUser}, {User: someUser}, {Session: someSession}} {
		for range 300 {
			table := NewHoldings(nil)
			conn, project := &witness{}, &truth{}
			s := newSocket(conn, nil, roomy, table.lease.Trust)
			root := &hold{socket: s, user: someUser, session: someSession}
			right := &hold{socket: s, user: someUser, session: someSession, project: someProject, check: project.ask, lost: func(error) {}}
			if mark.Project == "" {
				root.check = project.ask
			}
			require.NoError(t, table.enter(t.Context(), root))
			var all sync.WaitGroup
			stop := make(chan struct{})
			all.Go(func() {
				if table.enter(context.Background(), right) != nil {
					return
				}
				for {
					select {
					case <-stop:
						return
					default:
						s.send(frame{bytes: framed(opText, []byte("secret")), of: right})
						runtime.Gosched()
					}
				}
			})
			for i := 0; i < 50 && conn.heard.Load() < 3; i++ { // it may still be entering
				runtime.Gosched()
			}
			table.Revoke([]messages.Mark{mark}) // of something else: it goes on
			project.refuses.Store(true)
			table.Revoke([]messages.Mark{mark})
			conn.shut.Store(true)
			require.False(t, table.valid(right) && table.valid(root))
			require.Eventually(t, func() bool { return table.left(right) || s.ended() != 0 }, 10*time.Second, time.Millisecond)
			close(stop)
			all.Wait()
			require.Zero(t, conn.late.Load(), "%v", mark)
			if mark.Project == "" {
				require.False(t, s.pass())
				require.Eventually(t, func() bool { return s.ended() == closeUnauthenticated }, 10*time.Second, time.Millisecond)
			} else {
				require.True(t, s.pass(), "the rest goes on")
			}
			s.abort(closeGone)
			table.leaveAll(s)
			require.Empty(t, table.roots)
			require.Empty(t, table.users)
			require.Empty(t, table.sessions)
			require.Empty(t, table.projects)
			require.Empty(t, table.ways)
		}
	}
}

func (t *Holdings) valid(h *hold) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return h.state == valid
}

func (t *Holdings) left(h *hold) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return h.state == over
}

// TestWhatIsStillAllowedGoesOn: what waited while the truth was asked comes, in order
// and without a gap.
func TestWhatIsStillAllowedGoesOn(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	table := NewHoldings(nil)
	s := newSocket(waits{ours}, nil, roomy, table.lease.Trust)
	kept := make(chan struct{}, 1000)
	right := &hold{socket: s, project: someProject, check: (&truth{}).ask, kept: func() { kept <- struct{}{} }}
	require.NoError(t, table.enter(t.Context(), &hold{socket: s}))
	require.NoError(t, table.enter(t.Context(), right))
	const events = 2000
	go func() {
		for i := range events {
			for !s.send(frame{bytes: framed(opBinary, []byte{byte(i), byte(i >> 8)}), of: right}) {
				runtime.Gosched()
			}
			if i%20 == 0 {
				table.Revoke([]messages.Mark{{Project: someProject}})
			}
		}
	}()
	b := make([]byte, 4)
	for i := range events {
		_, err := io.ReadFull(theirs, b)
		require.NoError(t, err)
		require.Equal(t, i, int(b[2])|int(b[3])<<8)
	}
	require.NotEmpty(t, kept)
	s.abort(closeGone)
	table.leaveAll(s)
}

// waits is a connection that waits for a slow reader.
type waits struct{ net.Conn }

func (waits) SetWriteDeadline(time.Time) error { return nil }

// lapsing is a lease that a test takes and gives.
type lapsing struct {
	noLease

	era atomic.Int64
	off atomic.Bool
}

func (l *lapsing) Trust() (int64, bool) { return l.era.Load(), !l.off.Load() }

// TestALapsedLeasePauses: nothing goes out or comes in while the node has no lease;
// when it has one again all is asked anew before it goes on.
func TestALapsedLeasePauses(t *testing.T) {
	t.Parallel()
	lease, asked := &lapsing{}, &truth{}
	table := NewHoldings(lease)
	conn := &witness{}
	s := newSocket(conn, nil, roomy, lease.Trust)
	var times atomic.Int32
	root := &hold{socket: s, user: someUser, session: someSession, check: func(ctx context.Context) error {
		times.Add(1)
		return asked.ask(ctx)
	}}
	require.NoError(t, table.enter(t.Context(), root))
	hello := frame{bytes: framed(opText, []byte("hello"))}
	s.send(hello)
	require.Eventually(t, func() bool { return conn.heard.Load() == 1 }, 10*time.Second, time.Millisecond)

	lease.off.Store(true)
	conn.shut.Store(true)
	s.send(hello) // before anybody has looked
	table.look()
	s.send(hello)
	passed := make(chan bool, 1)
	go func() { passed <- s.pass() }()
	table.look()
	lease.era.Add(1)
	table.look()
	require.Zero(t, conn.late.Load())
	require.Empty(t, passed)
	before := times.Load()
	conn.shut.Store(false)
	lease.off.Store(false)
	table.look()
	require.True(t, <-passed)
	written(t, s)
	require.Greater(t, times.Load(), before)
	require.Zero(t, conn.late.Load())

	asked.refuses.Store(true)
	lease.era.Add(1) // it lapsed and came back between two looks
	conn.shut.Store(true)
	s.send(hello)
	table.look()
	require.Eventually(t, func() bool { return s.ended() == closeUnauthenticated }, 10*time.Second, time.Millisecond)
	require.Zero(t, conn.late.Load())
	table.leaveAll(s)
}
