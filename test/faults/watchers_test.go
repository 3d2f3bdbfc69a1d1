package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
)

const (
	watchedProjects = 6
	watchersOfNode  = 2
	roundsAtOnce    = 15
	caughtUpWithin  = 60 * time.Second
	slowly          = 10 * time.Millisecond // for each frame
	writtenEvery    = 20 * time.Millisecond // by each who writes
)

// Who watches projects on any node is told each event once, in its order, while
// nodes are killed, frozen, stopped and cut off, and while another reads slowly. Nobody
// is told to begin anew.
func TestWatchersSurviveTheCluster(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	n, _ := s.StartNetwork("a", "b", "c")
	random := s.Random(0)
	for done := 0; done < watcherRounds && !t.Failed(); done += roundsAtOnce {
		rounds := min(roundsAtOnce, watcherRounds-done)
		owner := s.SignIn(n.Nodes[0], s.Register(n.Nodes[0], fmt.Sprintf("owner%d", done)))
		watchThrough(s, n, at(owner, n.Nodes, 0), random, rounds, watchedEvents*rounds/watcherRounds)
	}
}

// watchThrough lets some faults happen, no more than a sign-in outlasts, and at least
// so many events.
func watchThrough(s *rig.Scenario, n *rig.Network, owners []*rig.Client, random *rand.Rand, rounds, events int) {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var projects []string
	var watchers []*rig.Watcher
	for i := range watchedProjects {
		p, r := owners[i%len(owners)].CreateProject(s.Context(), "watched", 3)
		if p == nil {
			s.Fatalf("a project was not created: %s", r)
		}
		projects = append(projects, p.ID)
		for at := range n.Nodes {
			clients := append(append([]*rig.Client(nil), owners[at:]...), owners[:at]...)
			for range watchersOfNode {
				watchers = append(watchers, s.Watch(ctx, p.ID, 0, clients...))
			}
		}
		watchers = append(watchers, s.Watch(ctx, p.ID, slowly, owners[(i+1)%len(owners)]))
	}
	var written atomic.Int64
	writing, enough := context.WithCancel(ctx)
	defer enough()
	var writers sync.WaitGroup
	for i, project := range projects {
		for j, c := range owners {
			writers.Go(func() {
				for k := 0; writing.Err() == nil; k++ {
					if _, r := c.Rename(s.Context(), project, fmt.Sprintf("%d by %d, %d", k, j, i)); r.OK() {
						written.Add(1)
					}
					time.Sleep(writtenEvery)
				}
			})
		}
	}
	faults := watcherFaults(s, n)
	for round := 0; round < rounds || written.Load() < int64(events); round++ {
		time.Sleep(time.Second)
		if round < rounds {
			faults[round%len(faults)](random)
		}
	}
	enough()
	writers.Wait()
	judgeWatchers(s, owners[0], projects, watchers)
	s.Logf("%d events on %d projects for %d watchers, over %d faults", written.Load(), len(projects), len(watchers), rounds)
}

// watcherFaults are what happens to nodes. Each is over when it returns.
func watcherFaults(s *rig.Scenario, n *rig.Network) []func(*rand.Rand) {
	whole := func() {
		if err := rig.AwaitWhole(s.Context(), n.Nodes, healsWithin); err != nil {
			s.Found("%s after a fault: %v", healsWithin, err)
		}
	}
	apart := func(c cut) func(*rand.Rand) {
		return func(random *rand.Rand) {
			c.make(n, shuffled(n.Nodes, random))
			time.Sleep(noticed)
			n.Heal()
			whole()
		}
	}
	any := func(random *rand.Rand) *rig.Node { return n.Nodes[random.IntN(len(n.Nodes))] }
	return []func(*rand.Rand){
		func(random *rand.Rand) { node := any(random); node.Kill(); node.Restart(); whole() },
		apart(oneApart),
		func(random *rand.Rand) {
			node := any(random)
			node.Freeze()
			time.Sleep(noticed)
			node.Thaw()
			whole()
		},
		func(random *rand.Rand) { node := any(random); node.Terminate(); node.Restart(); whole() },
		apart(eachAlone),
	}
}

// judgeWatchers waits until all have been told all, and holds that against the log.
func judgeWatchers(s *rig.Scenario, c *rig.Client, projects []string, watchers []*rig.Watcher) {
	s.Helper()
	logs := make(map[string][]rig.Event)
	for _, project := range projects {
		log, r := c.Log(s.Context(), project)
		if !r.OK() {
			s.Fatalf("the log cannot be read: %s", r)
		}
		logs[project] = log
	}
	deadline := time.Now().Add(caughtUpWithin)
	resumed, lagged := 0, 0
	for _, w := range watchers {
		log := logs[w.Project()]
		for w.Position() < int64(len(log)) && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		w.Judge(log)
		times, slow := w.Resumed()
		resumed, lagged = resumed+times, lagged+slow
	}
	s.Logf("%d subscriptions, %d times too slow", resumed, lagged)
}
