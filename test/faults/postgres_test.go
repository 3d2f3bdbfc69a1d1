package faults_test

import (
	"context"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// Two processes write while their Postgres is killed, the whole tree of it, over
// and over. Nothing acknowledged is lost, and both write again within five
// seconds of its return.
func TestKilledPostgresLosesNothing(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	pg := services.OwnPostgres(t)
	url := pg.URL("test")
	nodes := []*rig.Node{s.Start("a", url), s.Start("b", url)}
	owner := s.Register(nodes[0], "owner")
	var owners []*rig.Client
	for _, n := range nodes {
		owners = append(owners, s.SignIn(n, owner).At(n))
	}
	l := newLedger()
	ctx, cancel := context.WithCancel(s.Context())
	writers := l.write(ctx, s, owners)
	for i := range postgresKills {
		for _, n := range nodes {
			l.await(s, n.Name, 100)
		}
		pg.Crash()
		s.Fault("Postgres killed")
		if i%5 == 4 {
			time.Sleep(longerThanLease)
		}
		pg.Restart(t)
		back := time.Now()
		for _, n := range nodes {
			l.await(s, n.Name, 1)
			if took := time.Since(back); took > backWithin {
				s.Found("node %s acknowledged nothing for %s after Postgres was back", n.Name, took)
			}
		}
		s.Logf("back after %s", time.Since(back).Round(time.Millisecond))
	}
	cancel()
	writers.Wait()
	s.Logf("%d writes acknowledged, %d with an unknown end, over %d crashes; the slowest without an acknowledgement took %s",
		l.total(), len(l.open), postgresKills, l.slowest.Round(time.Millisecond))
	l.judge(s, s.Database(url, nil), owners...)
}

const (
	backWithin      = 5 * time.Second
	longerThanLease = 4 * time.Second // of a node: what it holds in memory is void after that
)
