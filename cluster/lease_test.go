package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// table is a LeaseStore in the bubble's time, with the neighbours and the
// failures that a test wants. The database's clock is skewed from the node's.
type table struct {
	mu          sync.Mutex
	skew        time.Duration
	delay       time.Duration // of every answer
	away        bool          // renewals and acquisitions fail
	neighbour   bool          // a live node outside of the cluster
	incarnation int64
	buried      bool
	exclusive   bool
	renewals    []bool    // whether each asked for exclusivity
	sent        time.Time // when the last renewal that was answered was sent
	left        bool
	live        []messages.LeasedNode // of the cluster, with the node's own last incarnation in it
	blind       bool                  // Live fails
	struck      []string
}

var errAway = errors.New("the database is away")

func (t *table) now() time.Time { return time.Now().Add(t.skew) }

func (t *table) Acquire(_ context.Context, _, _, _ string, _ time.Duration) (int64, time.Time, error) {
	now := t.now()
	time.Sleep(t.delay)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away {
		return 0, now, errAway
	}
	t.incarnation++
	t.buried, t.exclusive = false, false
	return t.incarnation, now, nil
}

func (t *table) Renew(_ context.Context, _ string, incarnation int64, _ time.Duration, exclusive bool) (time.Time, bool, bool, error) {
	now, sent := t.now(), time.Now()
	time.Sleep(t.delay)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away {
		return now, false, false, errAway
	}
	t.sent = sent
	if t.buried || incarnation != t.incarnation {
		return now, false, false, messages.Refuse(messages.CodeMoved, "buried")
	}
	t.renewals = append(t.renewals, exclusive)
	t.exclusive = exclusive && (t.exclusive || !t.neighbour)
	return now, t.neighbour, t.exclusive, nil
}

func (t *table) Strike(_ context.Context, name string, incarnation int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.struck = append(t.struck, fmt.Sprint(name, " ", incarnation))
	return nil
}

func (t *table) Live(context.Context, string) ([]messages.LeasedNode, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.blind {
		return nil, errAway
	}
	return slices.Clone(t.live), nil
}

func (t *table) Leave(context.Context, string, int64) error { t.left = true; return nil }

// with is the test's own access, while the lease's loop is at work.
func (t *table) with(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

func started(t *testing.T, s *table, lost func()) *Lease {
	l := NewLease(DefaultLeaseConfig("n1"), s, lost, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, l.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, l.Stop(context.Background())) })
	return l
}

func trusted(l *Lease) bool { _, ok := l.Trust(); return ok }

func era(l *Lease) int64 { e, _ := l.Trust(); return e }

func never(t *testing.T) func() {
	return func() { t.Error("the lease was lost") }
}

func TestALeaseThatIsRenewedHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := started(t, &table{skew: time.Hour}, never(t))
		require.True(t, trusted(l), "alone from the start")
		first := era(l)
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			require.True(t, trusted(l))
		}
		require.Equal(t, first, era(l))
		require.InDelta(t, time.Hour, time.Until(l.Now()), float64(time.Millisecond), "database time")
	})
}

func TestTrustEndsBeforeTheLeaseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{delay: 300 * time.Millisecond}
		var losses atomic.Int32
		l := started(t, s, func() { losses.Add(1) })
		time.Sleep(1500 * time.Millisecond)
		s.with(func() { s.away = true })
		var sent time.Time
		s.with(func() { sent = s.sent })
		time.Sleep(time.Until(sent.Add(2490 * time.Millisecond)))
		require.True(t, trusted(l))
		time.Sleep(20 * time.Millisecond)
		require.False(t, trusted(l), "counted from when the renewal was sent, not answered")
		require.False(t, l.Held())
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, losses.Load())
		s.with(func() { s.away = false })
		before := era(l)
		time.Sleep(3 * time.Second)
		require.True(t, trusted(l), "a new incarnation")
		require.NotEqual(t, before, era(l), "in an era of its own")
		s.with(func() { require.EqualValues(t, 2, s.incarnation) })
		require.EqualValues(t, 1, losses.Load())
	})
}

// TestARenewalThatArrivesLate begins an era: the lease had lapsed, and nobody told the
// node of revocations meanwhile.
func TestARenewalThatArrivesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		l := started(t, s, never(t))
		before := era(l)
		time.Sleep(500 * time.Millisecond)
		s.with(func() { s.away = true })
		time.Sleep(time.Second)
		s.with(func() { s.away, s.delay = false, 700*time.Millisecond })
		time.Sleep(1100 * time.Millisecond)
		require.False(t, trusted(l), "it is on its way")
		s.with(func() { s.delay = 0 })
		time.Sleep(200 * time.Millisecond)
		require.True(t, trusted(l))
		require.NotEqual(t, before, era(l))
	})
}

func TestABuriedLeaseIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		var losses atomic.Int32
		var l *Lease
		l = started(t, s, func() {
			losses.Add(1)
			require.False(t, l.Held(), "forget while nothing may be answered")
		})
		s.with(func() { s.buried = true })
		time.Sleep(1100 * time.Millisecond)
		require.False(t, trusted(l))
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, losses.Load())
		s.with(func() { require.EqualValues(t, 2, s.incarnation) })
		require.True(t, trusted(l))
	})
}

func TestExclusivityIsGivenUpHereFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		l := started(t, s, never(t))
		first := era(l)
		s.with(func() { s.neighbour = true })
		time.Sleep(1100 * time.Millisecond)
		require.False(t, trusted(l))
		require.True(t, l.Held(), "the lease itself holds")
		s.with(func() {
			require.False(t, s.exclusive, "told to the database in the same turn")
			require.Equal(t, []bool{true, true, false}, s.renewals)
		})
		time.Sleep(3 * time.Second)
		require.False(t, trusted(l))

		s.with(func() { s.neighbour = false })
		time.Sleep(3 * time.Second)
		require.True(t, trusted(l))
		require.NotEqual(t, first, era(l), "what was held before is verified once")
	})
}

func TestANeighbourAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{neighbour: true}
		l := started(t, s, never(t))
		require.False(t, trusted(l))
		require.True(t, l.Held())
	})
}

func TestStopGivesTheLeaseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		l := started(t, s, never(t))
		require.NoError(t, l.Stop(t.Context()))
		require.True(t, s.left)
		require.False(t, trusted(l))
		require.False(t, l.Held())
		require.NoError(t, l.Stop(t.Context()))
	})
}

func TestAStartWithoutADatabaseFails(t *testing.T) {
	l := NewLease(DefaultLeaseConfig("n1"), &table{away: true}, never(t), slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.ErrorIs(t, l.Start(t.Context()), errAway)
}

// The database's clock is a second ahead: what a slow answer leaves open, a fast one
// before it had told.
func TestASlowRenewalDoesNotBlurTheTime(t *testing.T) {
	t.Parallel()
	const ahead = int64(time.Second)
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	l := &Lease{}
	l.learn(ms(100), ms(300), ms(110)+ahead) // said soon, and long on its way
	require.Equal(t, ahead-ms(90), l.offset.Load(), "the middle")
	l.learn(ms(1000), ms(1002), ms(1001)+ahead)
	require.InDelta(t, ahead, l.offset.Load(), float64(ms(1)))
	known := l.offset.Load()
	l.learn(ms(2000), ms(2800), ms(2010)+ahead)
	require.Equal(t, known, l.offset.Load())
	l.learn(ms(3000), ms(3002), ms(9001)+ahead) // this machine slept
	require.InDelta(t, ahead+ms(6000), l.offset.Load(), float64(ms(1)))
}
