package cluster

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// leased are nodes of those names, each with the first incarnation, exclusive,
// and older than the next.
func leased(names ...string) (nodes []messages.LeasedNode) {
	for i, name := range names {
		nodes = append(nodes, messages.LeasedNode{Name: name, Incarnation: 1, StartedAt: time.Unix(int64(i), 0), Exclusive: true})
	}
	return nodes
}

func with(n messages.LeasedNode, change func(*messages.LeasedNode)) messages.LeasedNode {
	change(&n)
	return n
}

func TestSides(t *testing.T) {
	t.Parallel()
	twins := leased("b", "a")
	twins[1].StartedAt = twins[0].StartedAt
	for _, c := range []struct {
		name    string
		live    []messages.LeasedNode
		self    string
		reached string // beside itself
		strong  bool
		strike  string // once it has lasted
		seen    string // and not reached
	}{
		{"alone", leased("a"), "a", "", true, "", ""},
		{"two that see each other", leased("a", "b"), "a", "b", true, "", ""},
		{"the younger of them", leased("a", "b"), "b", "a", true, "", ""},
		{"tie, the older", leased("a", "b"), "a", "", true, "b", ""},
		{"tie, the younger", leased("a", "b"), "b", "", false, "", ""},
		{"tie of one age, by name", twins, "a", "", true, "b", ""},
		{"tie of one age, the other", twins, "b", "", false, "", ""},
		{"two of three", leased("a", "b", "c"), "c", "b", true, "a", ""},
		{"one of three, the oldest", leased("a", "b", "c"), "a", "", false, "", ""},
		{"two of four without the oldest", leased("a", "b", "c", "d"), "c", "d", false, "", ""},
		{"two of four with the oldest", leased("a", "b", "c", "d"), "d", "a", true, "b c", ""},
		{"two of five", leased("a", "b", "c", "d", "e"), "a", "b", false, "", ""},
		{"isolated", leased("a", "b", "c", "d", "e"), "c", "", false, "", ""},
		{"asymmetric: the one in the middle", leased("a", "b", "c"), "b", "a c", true, "", ""},
		{"asymmetric: an end", leased("a", "b", "c"), "c", "b", true, "a", ""},
		{"reaches some that have no lease", leased("a", "b", "c"), "c", "x y z", false, "", ""},
		{"struck already", []messages.LeasedNode{leased("a")[0], with(leased("b")[0], func(n *messages.LeasedNode) { n.Struck, n.StartedAt = true, time.Unix(9, 0) })}, "a", "", true, "", ""},
		{"holds nothing that others are refused", []messages.LeasedNode{leased("a")[0], with(leased("b")[0], func(n *messages.LeasedNode) { n.Exclusive, n.StartedAt = false, time.Unix(9, 0) })}, "a", "", true, "", ""},
		{"nobody has a lease", nil, "a", "b", false, "", ""},
		{"sees one that it does not reach", leased("a", "b", "c"), "a", "b", true, "", "c"},
		{"sees others that it does not reach", leased("a", "b", "c"), "c", "", false, "", "a b"},
		{"sees one of two", leased("a", "b", "c", "d"), "a", "b", true, "d", "c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s sight
			judge := func(now time.Duration) (bool, string) {
				strong, strike := s.judge(now, c.self, c.live, func(name string) (seen, reached bool) {
					reached = slices.Contains(strings.Fields(c.reached), name)
					return reached || slices.Contains(strings.Fields(c.seen), name), reached
				})
				var names []string
				for _, n := range strike {
					names = append(names, n.Name)
				}
				return strong, strings.Join(names, " ")
			}
			for _, now := range []time.Duration{time.Hour, time.Hour + strikeAfter - 1} {
				strong, strike := judge(now)
				require.Equal(t, c.strong, strong)
				require.Empty(t, strike, "too early")
			}
			strong, strike := judge(time.Hour + strikeAfter)
			require.Equal(t, c.strong, strong)
			require.Equal(t, c.strike, strike)
		})
	}
}

// Who has only just joined is not seen yet by all: its time begins with its
// incarnation, and anew each time that it was seen.
func TestNobodyIsStruckBeforeItsTime(t *testing.T) {
	t.Parallel()
	var s sight
	live := leased("a", "b")
	seen := map[string]bool{}
	struck := func(now time.Duration) bool {
		_, strike := s.judge(now, "a", live, func(name string) (bool, bool) { return seen[name], seen[name] })
		return len(strike) > 0
	}
	require.False(t, struck(0))
	require.False(t, struck(1900*time.Millisecond))
	seen["b"] = true
	require.False(t, struck(2*time.Second))
	seen["b"] = false
	require.False(t, struck(3*time.Second), "seen in between")
	require.False(t, struck(4900*time.Millisecond))
	live[1].Incarnation++
	require.False(t, struck(5*time.Second), "another incarnation")
	require.False(t, struck(6900*time.Millisecond))
	require.True(t, struck(7*time.Second))
}

// split is a lease of n1 in a cluster where it reaches itself and whom the test
// says.
func split(t *testing.T, s *table, lost func()) (l *Lease, reach func(names ...string)) {
	var reached atomic.Pointer[[]string]
	reach = func(names ...string) { reached.Store(&names) }
	reach()
	config := DefaultLeaseConfig("n1")
	config.Cluster, config.View = "c", func() (v View) {
		for _, name := range append([]string{"n1"}, *reached.Load()...) {
			v.Nodes = append(v.Nodes, Node{Name: name})
		}
		return v
	}
	l = NewLease(config, s, lost, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, l.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, l.Stop(context.Background())) })
	return l, reach
}

func TestTheFirstOfAClusterIsExclusiveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{live: leased("n1")}
		l, _ := split(t, s, never(t))
		require.True(t, trusted(l))
		s.with(func() { require.Equal(t, []bool{false, true}, s.renewals, "not before it has judged") })
	})
}

func TestWhoJoinsIsExclusiveOnceItReachesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{live: leased("n0", "n1", "n2")}
		l, reach := split(t, s, never(t))
		time.Sleep(10 * time.Second)
		require.False(t, trusted(l))
		require.True(t, l.Held())
		s.with(func() {
			require.NotContains(t, s.renewals, true)
			require.Empty(t, s.struck, "the weak side strikes nobody")
		})
		reach("n2")
		time.Sleep(1100 * time.Millisecond) // beyond the next renewal, not beside it
		require.True(t, trusted(l))
	})
}

func TestTheWeakSideGivesExclusivityUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{live: leased("n0", "n1")}
		l, reach := split(t, s, never(t))
		reach("n0")
		time.Sleep(1100 * time.Millisecond)
		require.True(t, trusted(l))
		first := era(l)
		reach()
		time.Sleep(time.Second)
		require.False(t, trusted(l))
		require.True(t, l.Held(), "the lease itself holds")
		s.with(func() { require.False(t, s.exclusive, "told to the database in the same turn") })
		s.with(func() { s.blind = true })
		reach("n0")
		time.Sleep(3 * time.Second)
		require.False(t, trusted(l), "not judged anew")
		s.with(func() { s.blind = false })
		time.Sleep(time.Second)
		require.True(t, trusted(l))
		require.NotEqual(t, first, era(l), "what was held before is verified once")
		require.Empty(t, s.struck)
	})
}

func TestTheStrongSideStrikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{live: leased("n1", "n2")}
		l, reach := split(t, s, never(t))
		reach("n2")
		time.Sleep(5100 * time.Millisecond)
		reach()
		time.Sleep(2500 * time.Millisecond)
		require.True(t, trusted(l))
		s.with(func() { require.Empty(t, s.struck, "missed for less than two seconds") })
		time.Sleep(time.Second)
		require.True(t, trusted(l))
		s.with(func() { require.Equal(t, []string{"n2 1"}, s.struck) })
	})
}

// Whoever struck the last incarnation can take its rows before the next one
// refuses them again, whatever that one believes to reach.
func TestAfterALapseTheSideIsJudgedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{live: leased("n0", "n1")}
		var losses atomic.Int32
		l, reach := split(t, s, func() { losses.Add(1) })
		reach("n0")
		time.Sleep(1100 * time.Millisecond)
		require.True(t, trusted(l))
		s.with(func() { s.buried = true })
		time.Sleep(2 * time.Second)
		s.with(func() {
			require.EqualValues(t, 2, s.incarnation)
			require.False(t, s.exclusive)
		})
		require.EqualValues(t, 1, losses.Load())
		require.False(t, trusted(l))
		time.Sleep(time.Second)
		require.True(t, trusted(l))
		reach()
		s.with(func() { s.buried = true })
		time.Sleep(10 * time.Second)
		require.EqualValues(t, 2, losses.Load())
		require.False(t, trusted(l), "the weak side")
	})
}
