package faults_test

import (
	"context"
	"fmt"
	"slices"
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

// count is what was done so far with each project.
func (r *faultRound) count() (all []rig.Counts) {
	for _, subject := range r.subjects {
		all = append(all, rig.Count([]*rig.History{subject.History}))
	}
	return all
}

// judgeProgress says whether looks and changes went on, in the second half of the
// fault, on all nodes of one side; where it has lasted so long that others had taken
// over by then, those of every project.
func (r *faultRound) judgeProgress(f fault, sides [][]*rig.Node, midst []rig.Counts) {
	end := r.count()
	since := func(project int, nodes ...*rig.Node) (looks, changes int) {
		for _, n := range nodes {
			l, c := end[project].Since(midst[project], n)
			looks, changes = looks+l, changes+c
		}
		return looks, changes
	}
	on := map[*rig.Node][2]int{}
	for _, node := range r.nodes {
		for p := range r.subjects {
			looks, changes := since(p, node)
			on[node] = [2]int{on[node][0] + looks, on[node][1] + changes}
		}
	}
	alive := slices.ContainsFunc(sides, func(side []*rig.Node) bool {
		for _, node := range side {
			if on[node][0] == 0 || on[node][1] == 0 {
				return false
			}
		}
		for p := range r.subjects {
			if looks, changes := since(p, side...); r.during >= 2*noticed && (looks == 0 || changes == 0) {
				r.s.Logf("%s: project %d: %d looks and %d changes on a side", f.name, p, looks, changes)
				return false
			}
		}
		return true
	})
	said := ""
	for _, node := range r.nodes {
		said += fmt.Sprintf("; %s %d and %d", node.Name, on[node][0], on[node][1])
	}
	r.s.Logf("%s: looks and changes in the second half%s", f.name, said)
	if !alive && r.during >= noticed {
		r.s.Found("%s: on no side did looks and changes go on", f.name)
	}
}
