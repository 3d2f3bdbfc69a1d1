package faults_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"atelier/test/rig"
	"atelier/test/services"
)

// limitOfMinute is what each user may ask in a minute; a round takes less.
const limitOfMinute = 90

// asker is a user who asks all nodes by turns, without end.
type asker struct {
	clients []*rig.Client
	through atomic.Int64
	refused atomic.Int64
	odd     atomic.Pointer[rig.Reply] // neither
	slowest atomic.Int64
}

func (a *asker) run(s *rig.Scenario, stop <-chan struct{}, pause time.Duration) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
		began := time.Now()
		r := a.clients[i%len(a.clients)].Do(s.Context(), "GET", "/users/me", nil)
		a.slowest.Store(max(a.slowest.Load(), int64(time.Since(began))))
		switch {
		case r.OK():
			a.through.Add(1)
		case r.Is("rate_limited"):
			a.refused.Add(1)
		default:
			a.odd.Store(r)
		}
	}
}

// TestLimitsOutliveRedis: it goes, hangs, is slow, and comes back empty. Nobody gets
// more than the limit or an answer of 5xx, those who come meanwhile get what they may
// have, and nobody waits.
func TestLimitsOutliveRedis(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	server := services.OwnRedis(t)
	options, err := redis.ParseURL(server.URL())
	s.Must(err)
	slow := s.Slow(options.Addr)
	url := strings.Replace(server.URL(), options.Addr, slow.Address(), 1)
	nodes := s.StartClusterWith(services.Postgres(t).URL(), func(string) []string {
		return []string{"ATELIER_RATE_LIMITS=on", "ATELIER_RATE_LIMIT_MINUTE=10000", "ATELIER_RATE_LIMIT_HOUR=10000",
			fmt.Sprint("ATELIER_RATE_LIMIT_USER_MINUTE=", limitOfMinute), "ATELIER_REDIS_URL=" + url}
	}, "a", "b", "c")
	faults := []struct {
		name       string
		make, undo func()
	}{
		{"down", server.Crash, func() { server.Restart(t) }},
		{"frozen", server.Freeze, server.Thaw},
		{"slow", func() { slow.Delay(300 * time.Millisecond) }, func() { slow.Delay(0) }},
		{"flushed", func() {
			c := redis.NewClient(options)
			defer c.Close()
			s.Must(c.FlushAll(s.Context()).Err())
		}, func() {}},
	}
	for round := range redisRounds {
		for _, f := range faults {
			var before, meanwhile []*asker
			for i := range 3 {
				before = append(before, newAsker(s, nodes, fmt.Sprintf("%s.%d.before.%d", f.name, round, i)))
				meanwhile = append(meanwhile, newAsker(s, nodes, fmt.Sprintf("%s.%d.meanwhile.%d", f.name, round, i)))
			}
			stop := make(chan struct{})
			var asking sync.WaitGroup
			begin := func(all []*asker, pause time.Duration) {
				for _, a := range all {
					asking.Go(func() { a.run(s, stop, pause) })
				}
			}
			begin(before, 40*time.Millisecond)
			time.Sleep(redisFault / 6)
			s.Fault("Redis " + f.name)
			f.make()
			begin(meanwhile, 10*time.Millisecond)
			time.Sleep(redisFault)
			f.undo()
			time.Sleep(redisFault / 3)
			close(stop)
			asking.Wait()
			for _, a := range append(before, meanwhile...) {
				a.judge(s, f.name)
			}
		}
	}
}

func newAsker(s *rig.Scenario, nodes []*rig.Node, name string) *asker {
	a := &asker{}
	user := s.SignIn(nodes[0], s.Register(nodes[0], name))
	for _, n := range nodes {
		a.clients = append(a.clients, user.At(n))
	}
	return a
}

func (a *asker) judge(s *rig.Scenario, fault string) {
	s.Logf("%s: %d through, %d refused, slowest %v", fault, a.through.Load(), a.refused.Load(), time.Duration(a.slowest.Load()))
	if odd := a.odd.Load(); odd != nil {
		s.Found("%s: a request ended otherwise: %s", fault, odd)
	}
	// What went through between a flush and its notice is counted twice, 25 requests a
	// second: half of the limit are almost two seconds.
	if n := a.through.Load(); n > limitOfMinute || n < limitOfMinute/2 {
		s.Found("%s: %d of %d got through", fault, n, limitOfMinute)
	}
	if a.refused.Load() == 0 {
		s.Found("%s: nobody was refused", fault)
	}
	if slowest := time.Duration(a.slowest.Load()); slowest > 3*time.Second {
		s.Found("%s: a request took %v", fault, slowest)
	}
}
