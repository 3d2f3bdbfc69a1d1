package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/messages"
	"atelier/persistence/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a store that a test looks into, and that may fail.
type shelf struct {
	mu    sync.Mutex
	kept  map[string]messages.Cached
	err   error
	asked int
}

func newShelf() *shelf { return &shelf{kept: map[string]messages.Cached{}} }

func (s *shelf) Cached(_ context.Context, names []string) (values []messages.Cached, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, name := range names {
		if v, ok := s.kept[name]; ok {
			values = append(values, v)
		}
	}
	return values, s.err
}

func (s *shelf) Cache(_ context.Context, values []messages.Cached, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		s.kept[v.Name] = v
	}
	return s.err
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shelf) has(name string) messages.Cached {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[name]
}

func (s *shelf) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func value(name, stamp string) messages.Cached {
	return messages.Cached{Name: name, Stamp: stamp, Body: []byte(name + " at " + stamp)}
}

func key(name, stamp string) cache.Key { return cache.Key{Name: name, Stamp: stamp} }

// started is a cache over shelves, whose Run ends with the test.
func started(t *testing.T, c cache.Config, shelves ...*shelf) *cache.Cache {
	var tiers []cache.Tier
	for i, s := range shelves {
		tiers = append(tiers, cache.Tier{Name: fmt.Sprint("shelf ", i), Store: s, Keep: time.Hour, Timeout: time.Minute})
	}
	all := cache.New(c, slog.New(slog.DiscardHandler), tiers...)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { all.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return all
}

// TestOnlyTheStampCounts: a value of another stamp is none, in whatever tier it is and
// whichever of the two is newer.
func TestOnlyTheStampCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newShelf(), newShelf()
		c := started(t, cache.DefaultConfig(), near, far)
		c.Put(value("a", "7"))
		synctest.Wait()
		for _, s := range []*shelf{near, far} {
			require.Equal(t, value("a", "7"), s.has("a"))
		}
		for _, stamp := range []string{"6", "8", ""} {
			require.Empty(t, c.Get(t.Context(), key("a", stamp)), stamp)
		}
		require.Equal(t, "a at 7", string(c.Get(t.Context(), key("a", "7"))["a"]))

		other := started(t, cache.DefaultConfig(), near, far)
		near.kept["a"] = value("a", "3") // it has come back with what it had long ago
		found := other.Get(t.Context(), key("a", "7"), key("b", "1"))
		require.Equal(t, map[string][]byte{"a": []byte("a at 7")}, found)
		synctest.Wait()
		require.Equal(t, value("a", "7"), near.has("a"), "what is found far away is put near")
		asked := near.times()
		require.Len(t, other.Get(t.Context(), key("a", "7")), 1)
		require.Equal(t, asked, near.times(), "and into memory")
	})
}

// TestATierThatFailsIsLeftAlone for a second, and costs misses.
func TestATierThatFailsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newShelf(), newShelf()
		far.kept["a"] = value("a", "1")
		near.fail(errors.New("away"))
		c := started(t, cache.Config{Entries: 0, Keep: time.Minute, Waiting: 10}, near, far)
		for range 10 {
			require.Len(t, c.Get(t.Context(), key("a", "1")), 1)
		}
		require.Equal(t, 1, near.times())
		synctest.Wait()
		time.Sleep(time.Second)
		near.fail(nil)
		require.Len(t, c.Get(t.Context(), key("a", "1")), 1)
		require.Equal(t, 2, near.times())
		stats := c.Stats()
		require.Equal(t, "memory", stats[0].Tier)
		require.EqualValues(t, 11, stats[2].Hits+stats[1].Hits)
		require.NotZero(t, stats[1].Failures)
	})
}

// TestMemoryIsBounded in number and time.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, cache.Config{Entries: 3, Keep: time.Minute})
		for i := range 10 {
			c.Put(value(fmt.Sprint(i), "1"))
			c.Get(t.Context(), key("0", "1")) // used again and again
		}
		require.Equal(t, 3, c.Len())
		require.Len(t, c.Get(t.Context(), key("0", "1"), key("8", "1"), key("9", "1")), 3)
		time.Sleep(time.Minute)
		require.Empty(t, c.Get(t.Context(), key("0", "1"), key("9", "1")))
	})
}

// TestOneWorksItOut for all who ask for the same stamp, and for nobody else.
func TestOneWorksItOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, cache.DefaultConfig())
		var worked atomic.Int64
		release := make(chan struct{})
		var asking sync.WaitGroup
		for i := range 100 {
			stamp := fmt.Sprint(i % 2)
			asking.Go(func() {
				body, err := c.One(t.Context(), key("a", stamp), func(context.Context) (messages.Cached, error) {
					worked.Add(1)
					<-release
					return value("a", stamp), nil
				})
				if err != nil || string(body) != "a at "+stamp {
					t.Errorf("stamp %s: %s, %v", stamp, body, err)
				}
			})
		}
		synctest.Wait()
		require.EqualValues(t, 2, worked.Load())
		close(release)
		asking.Wait()
		require.EqualValues(t, 2, worked.Load())
	})
}

// TestWhatFailsIsNobodyElses: who waits for someone whose time was up, or who found
// another stamp, does it himself.
func TestWhatFailsIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, cache.DefaultConfig())
		for _, first := range []func() (messages.Cached, error){
			func() (messages.Cached, error) { return messages.Cached{}, context.DeadlineExceeded },
			func() (messages.Cached, error) { return value("a", "2"), nil },
		} {
			release := make(chan struct{})
			var asking sync.WaitGroup
			asking.Go(func() {
				_, _ = c.One(t.Context(), key("a", "1"), func(context.Context) (messages.Cached, error) { <-release; return first() })
			})
			synctest.Wait()
			asking.Go(func() {
				body, err := c.One(t.Context(), key("a", "1"), func(context.Context) (messages.Cached, error) { return value("a", "1"), nil })
				if err != nil || string(body) != "a at 1" {
					t.Errorf("%s, %v", body, err)
				}
			})
			synctest.Wait()
			close(release)
			asking.Wait()
			require.Empty(t, c.Get(t.Context(), key("a", "1"), key("a", "2")), "none of it is kept")
		}
	})
}
