package faults_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// The primary dies for good and its synchronous standby is promoted, while the
// nodes of a cluster write. They know both servers, find the one that takes
// writes, and nothing that was acknowledged is lost.
func TestPromotedStandbyLosesNothing(t *testing.T) {
	t.Parallel()
	for i := range failovers {
		t.Run(fmt.Sprint(i), failOver)
	}
}

func failOver(t *testing.T) {
	s := rig.New(t)
	s.Outage = true
	primary := services.OwnPostgres(t)
	standby := primary.Replica(t)
	primary.Synchronous(t)
	nodes := s.StartCluster(either(s, primary.URL("test"), standby.URL("test")), "a", "b", "c")
	owners := ownersOn(s, nodes, 1)[0]
	l := newLedger()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	writers := l.write(ctx, s, owners)
	for _, n := range nodes {
		l.await(s, n.Name, 100)
	}
	primary.Crash()
	s.Fault("Postgres killed, its standby promoted")
	time.Sleep(time.Duration(s.Random(0).Int64N(int64(longerThanLease)))) // until someone notices
	standby.Promote(t)
	promoted := time.Now()
	for _, n := range nodes {
		l.await(s, n.Name, 1)
		if took := time.Since(promoted); took > backWithin+scheduling {
			s.Found("node %s acknowledged nothing for %s after the standby was promoted", n.Name, took)
		}
	}
	s.Logf("back after %s", time.Since(promoted).Round(time.Millisecond))
	for _, n := range nodes {
		l.await(s, n.Name, 100)
	}
	if err := rig.AwaitWhole(s.Context(), nodes, healsWithin); err != nil {
		s.Found("%s after the standby was promoted: %v", healsWithin, err)
	}
	cancel()
	writers.Wait()
	s.Logf("%d writes acknowledged, %d with an unknown end", l.total(), len(l.open))
	l.judge(s, s.Database(standby.URL("test"), nil), owners...)
}

// either is the URL of a database on two servers.
func either(s *rig.Scenario, one, other string) string {
	first, err := url.Parse(one)
	s.Must(err)
	second, err := url.Parse(other)
	s.Must(err)
	first.Host += "," + second.Host
	return first.String()
}
