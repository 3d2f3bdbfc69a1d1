package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/http/limit"
	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/redis"
	"atelier/test/services"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("atelier/test/services.start"), goleak.IgnoreAnyFunction("atelier/test/services.(*process).wait"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")) // looks once a second whether its pool was closed
}

func open(t testing.TB, url string) *redis.Limits {
	t.Helper()
	c, err := redis.Open(url)
	require.NoError(t, err)
	l := redis.NewLimits(context.Background(), c)
	t.Cleanup(func() {
		l.Close()
		_ = c.Close()
	})
	return l
}

// patient has a URL wait for however busy the machine is: where a time-out is not
// what a test is about, it would only tell of that.
const patient = "timeout=20s"

// shared is a key space on the shared server.
func shared(t testing.TB) string {
	k := services.Redis(t)
	return k.URL() + "?prefix=" + k.Prefix() + "&" + patient
}

// clustered is the URL of a cluster, as the setting has it.
func clustered(c *services.RedisCluster) string {
	rest := strings.TrimPrefix(c.URL(), "redis://")
	first, more, _ := strings.Cut(rest, "?")
	for part := range strings.SplitSeq(more, "&") {
		first += "," + strings.ReplaceAll(strings.TrimPrefix(part, "addr="), "%3A", ":")
	}
	return "redis-cluster://" + first
}

// TestRedisKeepsTheRule holds the script against the suite that every counter
// passes, on one server and on a cluster.
func TestRedisKeepsTheRule(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(t testing.TB) string{
		"single": shared, "cluster": func(t testing.TB) string { return clustered(services.OwnRedisCluster(t)) + "?" + patient },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t, url(t))
			persistencetest.Limits(t, func(t *testing.T) persistencetest.Take {
				return func(now int64, caller string, limits []messages.Limit) messages.Verdict {
					v, err := l.TakeAt(t.Context(), now, caller, limits)
					require.NoError(t, err)
					return v
				}
			})
		})
	}
}

func given() []messages.Limit {
	return []messages.Limit{{Name: "minute", Most: 100, Window: time.Minute}, {Name: "hour", Most: 1000, Window: time.Hour}}
}

// TestNodesCountTogether: whatever the node, exactly as many get through.
func TestNodesCountTogether(t *testing.T) {
	t.Parallel()
	url := shared(t)
	nodes := []*redis.Limits{open(t, url), open(t, url), open(t, url)}
	through := map[string]*atomic.Int64{}
	var asking sync.WaitGroup
	for i := range 5 {
		caller, passed := fmt.Sprint("caller ", i), &atomic.Int64{}
		through[caller] = passed
		for j := range 30 {
			asking.Go(func() {
				for range 10 {
					v, at, err := nodes[j%3].Take(context.Background(), "user", caller, given(), nil)
					if err != nil {
						t.Errorf("%s: %v", caller, err)
						return
					}
					if at < time.Now().Add(-time.Minute).UnixMilli() {
						t.Errorf("the time is %d", at)
					}
					if v.Wait == 0 {
						passed.Add(1)
					}
				}
			})
		}
	}
	asking.Wait()
	for caller, n := range through {
		require.EqualValues(t, 100, n.Load(), caller)
	}
}

// TestTimesAreAdded that a node counted alone, in whatever order they come.
func TestTimesAreAdded(t *testing.T) {
	t.Parallel()
	l := open(t, shared(t))
	limits := []messages.Limit{{Most: 10, Window: time.Hour}}
	v, now, err := l.Take(t.Context(), "user", "ada", limits, nil)
	require.NoError(t, err)
	require.Equal(t, 9, v.Left[0].Requests)
	require.NoError(t, l.Add(t.Context(), "user", "ada", limits, []int64{now - 1000, now - 3_500_000, now - 9_000_000}))
	v, _, err = l.Take(t.Context(), "user", "ada", limits, []int64{now - 500, now + 1_000_000})
	require.NoError(t, err)
	require.Zero(t, v.Wait)
	require.Equal(t, 10-1-2-2-1, v.Left[0].Requests, "one is too old to count")
	require.InDelta(t, 100, v.Left[0].More.Seconds(), 5, "until the oldest leaves")
	v, _, err = l.Take(t.Context(), "user", "ada", []messages.Limit{{Most: 6, Window: time.Hour}}, nil)
	require.NoError(t, err)
	require.NotZero(t, v.Wait)
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"redis://localhost": true, "redis://u:p@h:1/2": true, "rediss://h": true, "redis-cluster://a:1,b:2": true, "redis-cluster://u:p@a:1,b:2,c:3?prefix=x:": true, "redis://h?timeout=1s": true,
		"redis://h?timeout=1": false, "redis://h?timeout=-1s": false,
		"http://h": false, "": false, "h:1": false, "redis://h:1?foo=bar": false, "redis-cluster://a,b": false, "redis-cluster://": false, "redis://u:canary@h:x": false,
	} {
		c, err := redis.Open(url)
		require.Equal(t, good, err == nil, "%s: %v", url, err)
		if err == nil {
			require.NoError(t, c.Close())
		} else {
			require.NotContains(t, err.Error(), "canary")
		}
	}
}

// node is one of several that count together, as the program has them.
type node struct {
	budget *limit.Budget
	common *limit.Common
}

// startNodes are three nodes over one store.
func startNodes(t *testing.T, url string, limits []messages.Limit) (nodes []node) {
	for i := range 3 {
		l := open(t, url+"?timeout=400ms") // less than spend allows
		b := limit.NewBudget("user", limits, 1000, func() int { return 3 }, time.Now)
		n := node{b, limit.NewCommon(l, fmt.Sprint("node ", i), slog.New(slog.DiscardHandler), b)}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.common.Run(ctx)
		}()
		t.Cleanup(func() { cancel(); <-done })
		nodes = append(nodes, n)
	}
	together(t, nodes, true)
	return nodes
}

func together(t *testing.T, nodes []node, want bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, n := range nodes {
			if n.common.Together() != want {
				return false
			}
		}
		return true
	}, 30*time.Second, 5*time.Millisecond)
}

// spend asks all nodes by turns, and counts what gets through.
func spend(t *testing.T, nodes []node, caller string, asked int) (through int) {
	t.Helper()
	for i := range asked {
		began := time.Now()
		if nodes[i%len(nodes)].budget.Take(t.Context(), caller).Wait == 0 {
			through++
		}
		require.Less(t, time.Since(began), time.Second, "nobody waits for a store that does not answer")
	}
	return through
}

// TestLosingTheStoreGivesNobodyMore: it goes, hangs, or forgets, while callers have
// used some of what they have, and comes back. All that a caller gets is the limit.
func TestLosingTheStoreGivesNobodyMore(t *testing.T) {
	t.Parallel()
	limits := []messages.Limit{{Name: "hour", Most: 90, Window: time.Hour}}
	for name, fault := range map[string]struct {
		lose, restore func(t *testing.T, s *services.RedisServer)
		seen          bool // that it answers no more
	}{
		"down":    {func(_ *testing.T, s *services.RedisServer) { s.Crash() }, func(t *testing.T, s *services.RedisServer) { s.Restart(t) }, true},
		"frozen":  {func(_ *testing.T, s *services.RedisServer) { s.Freeze() }, func(_ *testing.T, s *services.RedisServer) { s.Thaw() }, true},
		"flushed": {func(t *testing.T, s *services.RedisServer) { flush(t, s.URL()) }, func(*testing.T, *services.RedisServer) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := services.OwnRedis(t)
			nodes := startNodes(t, s.URL(), limits)
			used := map[string]int{"none": 0, "some": spend(t, nodes, "some", 30), "all": spend(t, nodes, "all", 120)}
			require.Equal(t, 90, used["all"])
			lost := nodes[0].common.Lost()
			fault.lose(t, s)
			if fault.seen {
				together(t, nodes, false)
			} else {
				require.Eventually(t, func() bool {
					return nodes[0].common.Lost() > lost && nodes[1].common.Lost() > 0 && nodes[2].common.Lost() > 0
				}, 10*time.Second, time.Millisecond)
			}
			for caller := range used {
				used[caller] += spend(t, nodes, caller, 60)
			}
			require.Equal(t, map[string]int{"none": 60, "some": 90, "all": 90}, used)
			fault.restore(t, s)
			together(t, nodes, true)
			for caller := range used {
				used[caller] += spend(t, nodes, caller, 200)
			}
			require.Equal(t, map[string]int{"none": 90, "some": 90, "all": 90}, used, "what was let through meanwhile counts")
			require.Equal(t, 90, spend(t, nodes[:1], "new", 200), "and one node lets all through again")
		})
	}
}

// TestAClusterFailsOver: a master is lost, and a replica has what it had.
func TestAClusterFailsOver(t *testing.T) {
	t.Parallel()
	cluster := services.OwnRedisCluster(t)
	nodes := startNodes(t, clustered(cluster), []messages.Limit{{Name: "hour", Most: 90, Window: time.Hour}})
	used := map[string]int{}
	for i := range 20 {
		used[fmt.Sprint("caller ", i)] = 0
	}
	for caller := range used {
		used[caller] = spend(t, nodes, caller, 45)
	}
	master := cluster.Master(t, "atelier:limit:user:caller 0")
	replicated(t, master.URL())
	master.Crash()
	together(t, nodes, false)
	for caller := range used {
		used[caller] += spend(t, nodes, caller, 30)
	}
	together(t, nodes, true)
	for caller := range used {
		used[caller] += spend(t, nodes, caller, 90)
		require.Equal(t, 90, used[caller], caller)
	}
}

// replicated waits until a master's replica has all that it has.
func replicated(t *testing.T, url string) {
	t.Helper()
	options, err := goredis.ParseURL(url)
	require.NoError(t, err)
	client := goredis.NewClient(options)
	defer client.Close()
	conn := client.Conn() // WAIT speaks of what its own connection has written
	defer conn.Close()
	require.NoError(t, conn.PExpire(t.Context(), "atelier:limit:user:caller 0", time.Hour).Err())
	copies, err := conn.Wait(t.Context(), 1, 10*time.Second).Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, copies)
}

func flush(t *testing.T, url string) {
	c, err := redis.Open(url)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.FlushAll(t.Context()).Err())
}

// BenchmarkTake is 256 callers at one time, whose requests travel together.
func BenchmarkTake(b *testing.B) {
	l := open(b, shared(b))
	b.SetParallelism(128)
	var next atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		caller := fmt.Sprint("caller ", next.Add(1))
		for pb.Next() {
			if _, _, err := l.Take(context.Background(), "user", caller, given(), nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
