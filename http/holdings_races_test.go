package http

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/messages"
)

// stuck is a connection that takes nothing until a test lets it.
type stuck struct {
	witness
	began, free chan struct{}
	taken       atomic.Bool
}

func (s *stuck) Write(b []byte) (int, error) {
	close(s.began)
	<-s.free
	s.taken.Store(true)
	return len(b), nil
}

// TestEveryRevocationWaitsForTheWrite: a right that is being asked for already, be it
// for another revocation or since the lease lapsed, may have something in a write.
func TestEveryRevocationWaitsForTheWrite(t *testing.T) {
	t.Parallel()
	lease := &lapsing{}
	table := NewHoldings(lease)
	conn := &stuck{began: make(chan struct{}), free: make(chan struct{})}
	s := newSocket(conn, nil, roomy, lease.Trust)
	right := &hold{socket: s, project: someProject, check: (&truth{}).ask, lost: func(error) {}}
	require.NoError(t, table.enter(t.Context(), &hold{socket: s}))
	require.NoError(t, table.enter(t.Context(), right))
	s.send(frame{bytes: framed(opText, []byte("secret")), of: right})
	<-conn.began
	lease.off.Store(true)
	table.look()
	waited := make(chan bool)
	go func() {
		table.Revoke([]messages.Mark{{Project: someProject}})
		waited <- conn.taken.Load()
	}()
	select {
	case <-waited:
		t.Error("the revocation did not wait")
		close(conn.free)
	case <-time.After(20 * time.Millisecond): // it waits, or has not begun
		close(conn.free)
		require.True(t, <-waited)
	}
	s.abort(closeGone)
	table.leaveAll(s)
}

// TestARootDoesNotOpenForWhatIsOlder: the lease lapsed and came back between two looks,
// and a root was asked for before the next one. What else the socket holds is asked for
// too before anything goes out.
func TestARootDoesNotOpenForWhatIsOlder(t *testing.T) {
	t.Parallel()
	lease, project := &lapsing{}, &truth{}
	table := NewHoldings(lease)
	conn := &witness{}
	s := newSocket(conn, nil, roomy, lease.Trust)
	lost := make(chan struct{})
	root := &hold{socket: s, user: someUser, session: someSession, check: (&truth{}).ask}
	right := &hold{socket: s, user: someUser, session: someSession, project: someProject, check: project.ask, lost: func(error) { close(lost) }}
	require.NoError(t, table.enter(t.Context(), root))
	require.NoError(t, table.enter(t.Context(), right))
	project.refuses.Store(true) // by a revocation that went past this node
	lease.era.Add(1)
	conn.shut.Store(true)
	require.NoError(t, table.enter(t.Context(), &hold{socket: s, user: someUser, session: "another", check: (&truth{}).ask}))
	s.send(frame{bytes: framed(opText, []byte("secret")), of: right})
	<-lost
	require.True(t, s.pass())
	require.Zero(t, conn.late.Load())
	s.abort(closeGone)
	table.leaveAll(s)
}

// TestNobodyWaitsForHisTurnForEver: where nobody answers, those who wait to ask give up
// in time as well.
func TestNobodyWaitsForHisTurnForEver(t *testing.T) {
	t.Parallel()
	table := NewHoldings(nil)
	for range cap(table.slots) {
		table.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &hold{table: table, check: (&truth{}).ask}
	require.False(t, refusing(h.settle(ctx, true)))
}

// TestRevocationsWaitForWhatIsOnItsWay: an update that a document is asked to take just
// now has been taken, or not, when the revocation is done. None follows it.
func TestRevocationsWaitForWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	for name, mark := range map[string]messages.Mark{"of the project": {Project: someProject, User: someUser}, "of the session": {Session: someSession}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hostDocument(t)
			h.document.permits = make(chan struct{})
			x := ysync.Plain()
			c := h.open(t, "/yjs/"+someDocument)
			c.synced(x, 0)
			c.send(x.Update([]byte("1")))
			h.document.permits <- struct{}{} // it has come so far, and no further
			require.Eventually(t, func() bool { return len(h.document.written()) == 1 }, 10*time.Second, time.Millisecond)
			c.send(x.Update([]byte("2")))
			require.Eventually(t, func() bool { return h.document.waits() == 1 }, 10*time.Second, time.Millisecond)
			h.document.mu.Lock()
			h.document.role = false
			h.document.mu.Unlock()
			waited := make(chan int, 1)
			go func() {
				late := h.holdings.Revoke([]messages.Mark{mark})
				waited <- len(h.document.written()) + len(late)
			}()
			select {
			case <-waited:
				t.Error("the revocation did not wait")
				close(h.document.permits)
			case <-time.After(20 * time.Millisecond): // it waits, or has not begun
				close(h.document.permits)
				require.Equal(t, 2, <-waited)
			}
		})
	}
}

// TestRevocationsTellWhatIsLate: what a document does not come to in time is brought by a
// grant that has ended when the revocation stops waiting for it, and who revokes learns
// which document that is.
func TestRevocationsTellWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := NewHoldings(nil)
		mine, other := "0190a000-0000-7000-8000-000000000006", "0190a000-0000-7000-8000-000000000007"
		setOut := func(user, session, document string) (*way, *messages.Grant) {
			w := table.setOut(user, session, someProject, document)
			g, err := w.lend(&messages.Grant{})
			require.NoError(t, err)
			return w, g
		}
		late, grant := setOut(someUser, someSession, mine)
		again, _ := setOut(someUser, someSession, mine)
		quick, _ := setOut(someUser, someSession, other)
		foreign, _ := setOut(someUser+"x", someSession+"x", other)
		asking := table.setOut(someUser, someSession, someProject, other)
		time.AfterFunc(airTime/2, quick.arrive)
		for _, mark := range []messages.Mark{{User: someUser}, {Session: someSession}, {Project: someProject, User: someUser}} {
			require.Equal(t, []string{mine}, table.Revoke([]messages.Mark{mark}))
			require.Less(t, grant.GetUntilUs(), time.Now().UnixMicro())
		}
		began := time.Now()
		undecided := table.setOut("another", "another", someProject, other)
		require.Empty(t, table.Revoke([]messages.Mark{{User: "another"}}))
		require.Zero(t, time.Since(began), "who is asking is not waited for")
		undecided.arrive()
		_, err := asking.lend(grant)
		require.Equal(t, errOvertaken, err, "what it was told is from before")
		require.Equal(t, []string{mine, other}, table.Revoke([]messages.Mark{{Project: someProject}}))
		for _, w := range []*way{late, again, foreign, asking} {
			w.arrive()
		}
		require.Empty(t, table.Revoke([]messages.Mark{{Project: someProject}}))
		require.Empty(t, table.ways)
	})
}
