package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	// elsewhereIn is how long clients of other nodes may go without an
	// acknowledgement when a node is killed.
	elsewhereIn = 5 * time.Second
	gapShare    = 0.99
)

// Nodes of a cluster are killed in the middle of their work, one after the other
// by chance. Nothing that was acknowledged is lost, and what lived on the killed
// node is soon served elsewhere.
func TestKilledNodesLoseNothing(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b", "c")
	owners := ownersOn(s, nodes, 1)[0]
	l := newLedger()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	writers := l.write(ctx, s, owners)
	random := s.Random(0)
	for i := range nodeKills {
		killed := nodes[random.IntN(len(nodes))]
		l.await(s, killed.Name, acksPerNodeKill/2+random.IntN(acksPerNodeKill/2))
		l.watch(killed.Name)
		killed.Kill()
		for _, n := range nodes {
			if n != killed {
				l.await(s, n.Name, acksPerNodeKill/4)
			}
		}
		killed.Restart()
		l.await(s, killed.Name, acksPerNodeKill/4)
		l.watched()
		if (i+1)%20 == 0 {
			s.Logf("%d of %d kills, %d writes acknowledged", i+1, nodeKills, l.total())
		}
	}
	cancel()
	writers.Wait()
	s.Logf("%d writes acknowledged, %d with an unknown end, over %d kills; clients of other nodes went without for at most %s, %.0f %% of them for %s",
		l.total(), len(l.open), nodeKills, l.gap(1).Round(time.Millisecond), gapShare*100, l.gap(gapShare).Round(time.Millisecond))
	if gap := l.gap(gapShare); gap > elsewhereIn {
		s.Found("clients of other nodes went without an acknowledgement for %s", gap)
	}
	l.judge(s, s.Database(url, nil), owners...)
}

// The owner of some entities hangs for longer than its lease, and goes on with
// what it was doing: its writes are refused, and it shows nothing old.
func TestClusterSurvivesFreezes(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b", "c")
	users, db, clients := s.Crowd(nodes[0], 12), s.Database(url, nil), ownersOn(s, nodes, cutProjects/cutOwned)
	random := s.Random(2_000)
	for round := range freezeRounds {
		frozenFor := freezeShortest + time.Duration(random.Int64N(int64(freezeLongest-freezeShortest)))
		r := &faultRound{s: s, nodes: nodes, clients: clients, during: frozenFor}
		r.observe(users, round)
		frozen := shuffled(nodes, random)
		r.run(fault{
			name:  fmt.Sprintf("%s hangs for %s", frozen[0].Name, frozenFor.Round(time.Millisecond)),
			make:  func() [][]*rig.Node { frozen[0].Freeze(); return [][]*rig.Node{frozen[1:]} },
			undo:  frozen[0].Thaw,
			whole: func() error { return rig.AwaitWhole(s.Context(), nodes, healsWithin) },
		}, round)
		judgeHistories(s, db, r.subjects, func(i int) []*rig.Client { return clients[i/cutOwned] })
		if t.Failed() {
			return
		}
	}
}
