package faults_test

import (
	"context"
	"testing"

	"atelier/test/rig"
)

// A program that is killed in the middle of its work has lost nothing that it
// acknowledged, on every engine.
func TestKilledProgramLosesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(s *rig.Scenario, url string) {
		node := s.Start("a", url)
		owner := s.SignIn(node, s.Register(node, "owner")).At(node)
		l := newLedger()
		ctx, cancel := context.WithCancel(s.Context())
		writers := l.write(ctx, s, []*rig.Client{owner})
		random := s.Random(0)
		for range programKills {
			part := acksPerKill / 2
			l.await(s, node.Name, part+random.IntN(part))
			node.Kill()
			node.Restart()
		}
		for l.total() < acksPerKill*(programKills+1) {
			l.await(s, node.Name, 1)
		}
		cancel()
		writers.Wait()
		s.Logf("%d writes acknowledged, %d with an unknown end, over %d kills", l.total(), len(l.open), programKills)
		l.judgeStopped(s, url, node, owner)
	})
}
