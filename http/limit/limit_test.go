package limit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/persistence/persistencetest"
)

// TestMemoryKeepsTheRule holds it against the suite that every counter passes.
func TestMemoryKeepsTheRule(t *testing.T) {
	t.Parallel()
	persistencetest.Limits(t, func(_ *testing.T) persistencetest.Take {
		return NewMemory([]messages.Limit{{Window: persistencetest.LongestWindow}}, 1_000_000).Take
	})
}

// TestTheGivenLimits: 100 in any minute and 1,000 in any hour, to the request.
func TestTheGivenLimits(t *testing.T) {
	t.Parallel()
	limits := given()
	l, now, through := &log{}, int64(0), []int64{}
	for now < 2*3600_000 {
		if l.take(now, limits).Wait == 0 {
			through = append(through, now)
		}
		now += 97
	}
	first := 0
	for _, at := range through {
		if at <= 60_000 {
			first++
		}
	}
	require.Equal(t, 100, first, "all of it may be used at once, and no more")
	require.InDelta(t, 2000, len(through), 100)
	for i := range through {
		for _, limit := range limits {
			if i >= limit.Most {
				require.Greater(t, through[i]-through[i-limit.Most], limit.Window.Milliseconds())
			}
		}
	}
	require.Len(t, l.times, 1000, "the log is no longer than the limit")
}

func given() []messages.Limit {
	return []messages.Limit{{Name: "minute", Most: 100, Window: time.Minute}, {Name: "hour", Most: 1000, Window: time.Hour}}
}

// TestRefusalsCostNothing: who keeps asking gets through as soon as he would have
// otherwise.
func TestRefusalsCostNothing(t *testing.T) {
	t.Parallel()
	limits := []messages.Limit{{Most: 2, Window: time.Second}}
	l := &log{}
	require.Zero(t, l.take(0, limits).Wait)
	require.Zero(t, l.take(400, limits).Wait)
	for now := int64(401); now <= 1000; now++ {
		require.Equal(t, time.Duration(1001-now)*time.Millisecond, l.take(now, limits).Wait)
	}
	require.Zero(t, l.take(1001, limits).Wait)
}

func TestTimeDoesNotGoBackwards(t *testing.T) {
	t.Parallel()
	limits := []messages.Limit{{Most: 1, Window: time.Second}}
	l := &log{}
	require.Zero(t, l.take(5000, limits).Wait)
	require.Equal(t, 1001*time.Millisecond, l.take(10, limits).Wait)
	require.Zero(t, l.take(6001, limits).Wait)
}

// TestCallersBeyondTheBoundShare: memory does not grow with them, and none gets
// more than the limit, whether there is room again or not.
func TestCallersBeyondTheBoundShare(t *testing.T) {
	t.Parallel()
	limits := []messages.Limit{{Most: 3, Window: time.Second}}
	m := NewMemory(limits, shards)
	through := map[string][]int64{}
	for round := range int64(200) {
		now := round * 100
		for i := range 500 {
			caller := fmt.Sprint(i)
			if (i+int(round)/15)%3 == 0 { // some stay away for a while, so that room comes and goes
				continue
			}
			if m.Take(now, caller, limits).Wait == 0 {
				through[caller] = append(through[caller], now)
			}
		}
		require.LessOrEqual(t, m.Callers(), shards)
	}
	require.NotEmpty(t, through)
	for caller, times := range through {
		for i := 3; i < len(times); i++ {
			require.Greater(t, times[i]-times[i-3], int64(1000), "caller %s", caller)
		}
	}
}

func TestIdleCallersAreForgotten(t *testing.T) {
	t.Parallel()
	m := NewMemory(given(), 1_000_000)
	for i := range 10_000 {
		m.Take(0, fmt.Sprint(i), given())
	}
	require.Equal(t, 10_000, m.Callers())
	for i := range 10_000 {
		m.Take(3_700_000, fmt.Sprint("later ", i%1000), given())
	}
	require.Equal(t, 1000, m.Callers())
}

// TestParallelRequestsShareTheLimit: exactly as many get through.
func TestParallelRequestsShareTheLimit(t *testing.T) {
	t.Parallel()
	b := NewBudget("b", given(), 1000, func() int { return 1 }, time.Now)
	var through atomic.Int64
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range 100 {
				if b.Take(context.Background(), "ada").Wait == 0 {
					through.Add(1)
				}
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, 100, through.Load())
}

// TestNodesHaveShares: together they let no more through than one alone, and a
// node that is left alone has it all.
func TestNodesHaveShares(t *testing.T) {
	t.Parallel()
	var nodes atomic.Int64
	nodes.Store(3)
	clock := func() time.Time { return time.Unix(0, 0) }
	through := 0
	for range 3 {
		b := NewBudget("b", given(), 1000, func() int { return int(nodes.Load()) }, clock)
		for range 200 {
			if b.Take(t.Context(), "ada").Wait == 0 {
				through++
			}
		}
	}
	require.Equal(t, 99, through)
	b := NewBudget("b", given(), 1000, func() int { return int(nodes.Load()) }, clock)
	for range 50 {
		b.Take(t.Context(), "ada")
	}
	nodes.Store(1)
	through = 0
	for range 200 {
		if b.Take(t.Context(), "ada").Wait == 0 {
			through++
		}
	}
	require.Equal(t, 67, through)
	require.Equal(t, 1, share1(1000))
}

func share1(nodes int) int {
	b := NewBudget("b", given(), 10, func() int { return nodes }, time.Now)
	return b.share()[0].Most
}

// TestTakingAllocatesNothing, once the caller is known.
func TestTakingAllocatesNothing(t *testing.T) {
	limits := []messages.Limit{{Most: 50, Window: time.Minute}}
	b := NewBudget("b", limits, 1000, func() int { return 1 }, time.Now)
	for range 60 {
		b.Take(context.Background(), "ada")
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { b.Take(context.Background(), "ada") }))
}

// TestMemoryOfACaller holds what the documentation of Memory says.
func TestMemoryOfACaller(t *testing.T) {
	const callers = 20_000
	before := heap()
	m := NewMemory(given(), 2*callers)
	for i := range callers {
		m.Take(0, fmt.Sprintf("0190a000-0000-7000-8000-%012d", i), given())
	}
	each := (heap() - before) / callers
	t.Logf("%d bytes for each caller", each)
	require.Less(t, each, uint64(300))
	runtime.KeepAlive(m)
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func BenchmarkTake(b *testing.B) {
	for name, asked := range map[string]int{"refused": 1, "of many": 10_000} {
		b.Run(name, func(b *testing.B) {
			budget := NewBudget("b", given(), 100_000, func() int { return 1 }, time.Now)
			callers := make([]string, asked)
			for i := range callers {
				callers[i] = fmt.Sprintf("0190a000-0000-7000-8000-%012d", i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				budget.Take(context.Background(), callers[i%asked])
			}
		})
	}
}
