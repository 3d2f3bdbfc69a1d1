package faults_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"atelier/test/rig"
)

// noticed is how long a fault must last for others to have taken over by half of
// it.
const noticed = 4 * time.Second

// fault is something that happens to the nodes for a while.
type fault struct {
	name  string
	make  func() (sides [][]*rig.Node) // on all nodes of one of them at least the work goes on
	undo  func()
	whole func() error // waits until all is as before
}

// faultRound is one fault under load.
type faultRound struct {
	s        *rig.Scenario
	nodes    []*rig.Node
	clients  [][]*rig.Client // of each owner, on each node
	during   time.Duration   // of the fault
	subjects []*rig.Subject
}

// observe begins the observation of new projects.
func (r *faultRound) observe(users []*rig.User, round int) {
	for i := range cutProjects {
		c := r.clients[i/cutOwned][i%len(r.nodes)]
		r.subjects = append(r.subjects, r.s.Observe(r.s.Context(), c, fmt.Sprintf("round %d, project %d", round, i), users, 4))
	}
}

func (r *faultRound) run(f fault, round int) {
	s := r.s
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var workers sync.WaitGroup
	for i, subject := range r.subjects {
		for j, client := range r.clients[i/cutOwned] {
			w := subject.Worker(client, s.Random((round*cutProjects+i)*len(r.nodes)+j))
			workers.Go(func() { w.Run(ctx) })
		}
	}
	time.Sleep(beforeCut)
	sides := f.make()
	time.Sleep(r.during / 2)
	midst := r.count()
	time.Sleep(r.during / 2)
	r.judgeProgress(f, sides, midst)
	f.undo()
	healed := time.Now()
	if err := f.whole(); err != nil {
		s.Found("%s: %s after its end: %v", f.name, healsWithin, err)
	}
	s.Logf("%s: whole again after %s", f.name, time.Since(healed).Round(time.Millisecond))
	time.Sleep(beforeCut)
	cancel()
	workers.Wait()
	for i, subject := range r.subjects {
		for _, client := range r.clients[i/cutOwned] {
			subject.Worker(client, nil).Do(s.Context(), rig.Input{Action: rig.Read})
		}
	}
}

func (r *faultRound) count() rig.Counts {
	var histories []*rig.History
	for _, subject := range r.subjects {
		histories = append(histories, subject.History)
	}
	return rig.Count(histories)
}

// judgeProgress says whether looks and changes went on, in the second half of the
// fault, on all nodes of one side.
func (r *faultRound) judgeProgress(f fault, sides [][]*rig.Node, midst rig.Counts) {
	end := r.count()
	alive := false
	for _, side := range sides {
		all := true
		for _, node := range side {
			looks, changes := end.Since(midst, node)
			all = all && looks > 0 && changes > 0
		}
		alive = alive || all
	}
	said := ""
	for _, node := range r.nodes {
		looks, changes := end.Since(midst, node)
		said += fmt.Sprintf("; %s %d and %d", node.Name, looks, changes)
	}
	r.s.Logf("%s: looks and changes in the second half%s", f.name, said)
	if !alive && r.during >= noticed {
		r.s.Found("%s: on no side did looks and changes go on", f.name)
	}
}
