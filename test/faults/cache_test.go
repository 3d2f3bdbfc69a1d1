package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"atelier/test/rig"
	"atelier/test/services"
)

const cacheWorkers = 6

// Lists come from caches, of which the shared one goes, hangs, and comes back empty or
// with what it had before. Whoever has written sees it in the next list on any node,
// nobody sees a project any more that he was taken out of, and nobody is refused.
func TestCachesTellNothingOld(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	server := services.OwnRedis(t)
	nodes := s.StartClusterWith(services.Postgres(t).URL(), func(string) []string {
		return []string{"ATELIER_REDIS_URL=" + server.URL()}
	}, "a", "b", "c")
	options, err := redis.ParseURL(server.URL())
	s.Must(err)
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	var old map[string]string
	faults := []struct {
		name       string
		make, undo func()
	}{
		{"down", server.Crash, func() { server.Restart(t) }},
		{"frozen", server.Freeze, server.Thaw},
		{"flushed", func() { s.Must(c.FlushAll(s.Context()).Err()) }, func() {}},
		{"out of date", func() { old = cacheOf(s, c) }, func() { putBack(s, c, old) }},
	}
	var all []*replicaWorker
	for i := range cacheWorkers {
		all = append(all, newReplicaWorker(s, nodes, i))
	}
	ctx, stop := context.WithCancel(s.Context())
	var working sync.WaitGroup
	for _, w := range all {
		working.Go(func() { w.run(ctx) })
	}
	for range cacheRounds {
		for _, f := range faults {
			before := done(all)
			s.Fault("Redis " + f.name)
			f.make()
			time.Sleep(cacheFault)
			f.undo()
			time.Sleep(cacheFault / 3)
			s.Logf("%s: %d rounds of work", f.name, done(all)-before)
			if done(all) == before {
				s.Found("while Redis is %s nothing goes on", f.name)
			}
		}
	}
	stop()
	working.Wait()
	for _, tier := range []string{"memory", "redis"} {
		hits := 0.0
		for _, n := range nodes {
			hits += scrape(s, n.Setting("ATELIER_OPS_ADDR"))["atelier_cache_reads_total/hit/"+tier]
		}
		s.Logf("%v values from %s", hits, tier)
		if hits == 0 {
			s.Errorf("nothing came from %s: this run shows nothing", tier)
		}
	}
}

// cacheOf is all that is kept in Redis.
func cacheOf(s *rig.Scenario, c *redis.Client) map[string]string {
	all := map[string]string{}
	keys := c.Scan(s.Context(), 0, "atelier:cache:*", 1000).Iterator()
	for keys.Next(s.Context()) {
		if v, err := c.Get(s.Context(), keys.Val()).Result(); err == nil {
			all[keys.Val()] = v
		}
	}
	s.Must(keys.Err())
	if len(all) == 0 {
		s.Errorf("nothing is kept in Redis: this run shows nothing")
	}
	return all
}

// putBack has Redis as it was.
func putBack(s *rig.Scenario, c *redis.Client, all map[string]string) {
	for k, v := range all {
		s.Must(c.Set(s.Context(), k, v, time.Hour).Err())
	}
}
