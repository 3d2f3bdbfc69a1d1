package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
)

const (
	cutProjects = 12
	cutOwned    = 6                // by one of their owners
	beforeCut   = 2 * time.Second  // at work
	healsWithin = 30 * time.Second // until all is as before the cut
)

// cut parts the nodes, which it is given in any order, and tells the sides: on
// one of them at least the work goes on.
type cut struct {
	name string
	make func(n *rig.Network, nodes []*rig.Node) (sides [][]*rig.Node)
}

var (
	oneApart = cut{"one node reaches no other", func(n *rig.Network, nodes []*rig.Node) [][]*rig.Node {
		n.Split(nodes[1:])
		return [][]*rig.Node{nodes[1:], nodes[:1]}
	}}
	oneLost = cut{"one node reaches no other, and not the database", func(n *rig.Network, nodes []*rig.Node) [][]*rig.Node {
		n.Split(nodes[1:])
		n.LoseDatabase(nodes[0])
		return [][]*rig.Node{nodes[1:]}
	}}
	eachAlone = cut{"no node reaches another", func(n *rig.Network, nodes []*rig.Node) (sides [][]*rig.Node) {
		n.Split()
		for _, node := range nodes {
			sides = append(sides, []*rig.Node{node})
		}
		return sides
	}}
	oneWay = cut{"a node hears nothing of another that hears it", func(n *rig.Network, nodes []*rig.Node) [][]*rig.Node {
		n.Deafen(nodes[0], nodes[1])
		return [][]*rig.Node{nodes[:1], nodes[1:]}
	}}
)

// The network between three nodes is cut in every way, and heals. Every project
// is one project all the time, the work goes on, and all is as before when the
// network is.
func TestClusterSurvivesCuts(t *testing.T) {
	t.Parallel()
	surviveCuts(t, []string{"a", "b", "c"}, []cut{oneApart, oneLost, eachAlone, oneWay}, cutRounds)
}

// Two nodes that do not reach each other are a tie.
func TestTwoNodesSurviveCuts(t *testing.T) {
	t.Parallel()
	surviveCuts(t, []string{"a", "b"}, []cut{oneApart, oneLost}, tieRounds)
}

// surviveCuts makes each cut in turn, with the nodes in an order of chance.
func surviveCuts(t *testing.T, names []string, cuts []cut, rounds int) {
	s := rig.New(t)
	s.Outage = true
	n, url := s.StartNetwork(names...)
	users, db := s.Crowd(n.Nodes[0], 12), s.Database(url, nil)
	clients := ownersOn(s, n.Nodes, cutProjects/cutOwned)
	random := s.Random(2_000)
	order := random.Perm(len(cuts))
	for round := range rounds {
		r := &cutRound{s: s, n: n, random: random, clients: clients}
		for i := range cutProjects {
			c := clients[i/cutOwned][i%len(names)]
			r.subjects = append(r.subjects, s.Observe(s.Context(), c, fmt.Sprintf("round %d, project %d", round, i), users, 4))
		}
		r.run(cuts[order[round%len(cuts)]], round)
		judgeHistories(s, db, r.subjects, func(i int) []*rig.Client { return clients[i/cutOwned] })
		if t.Failed() {
			return
		}
	}
}

// ownersOn are clients of each of some owners on each node.
func ownersOn(s *rig.Scenario, nodes []*rig.Node, owners int) (clients [][]*rig.Client) {
	for i := range owners {
		owner := s.SignIn(nodes[0], s.Register(nodes[0], fmt.Sprintf("owner%d", i)))
		var on []*rig.Client
		for _, n := range nodes {
			on = append(on, owner.At(n))
		}
		clients = append(clients, on)
	}
	return clients
}

// cutRound is one cut under load.
type cutRound struct {
	s        *rig.Scenario
	n        *rig.Network
	random   *rand.Rand
	clients  [][]*rig.Client
	subjects []*rig.Subject
}

func (r *cutRound) run(c cut, round int) {
	s := r.s
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var workers sync.WaitGroup
	for i, subject := range r.subjects {
		for j, client := range r.clients[i/cutOwned] {
			w := subject.Worker(client, s.Random((round*cutProjects+i)*len(r.n.Nodes)+j))
			workers.Go(func() { w.Run(ctx) })
		}
	}
	time.Sleep(beforeCut)
	nodes := shuffled(r.n.Nodes, r.random)
	sides := c.make(r.n, nodes)
	time.Sleep(cutTime / 2)
	midst := r.count()
	time.Sleep(cutTime / 2)
	r.judgeProgress(c, nodes, sides, midst)
	r.n.Heal()
	healed := time.Now()
	err := r.n.AwaitWhole(s.Context(), healsWithin)
	if err != nil {
		s.Found("%s: %s after it has healed: %v", c.name, healsWithin, err)
	}
	s.Logf("%s (%s first): whole again after %s", c.name, nodes[0].Name, time.Since(healed).Round(time.Millisecond))
	time.Sleep(beforeCut)
	cancel()
	workers.Wait()
	for i, subject := range r.subjects {
		for _, client := range r.clients[i/cutOwned] {
			subject.Worker(client, nil).Do(s.Context(), rig.Input{Action: rig.Read})
		}
	}
}

func (r *cutRound) count() rig.Counts {
	var histories []*rig.History
	for _, subject := range r.subjects {
		histories = append(histories, subject.History)
	}
	return rig.Count(histories)
}

// judgeProgress says whether looks and changes went on, in the second half of the
// cut, on all nodes of one side.
func (r *cutRound) judgeProgress(c cut, nodes []*rig.Node, sides [][]*rig.Node, midst rig.Counts) {
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
	for _, node := range nodes {
		looks, changes := end.Since(midst, node)
		said += fmt.Sprintf("; %s %d and %d", node.Name, looks, changes)
	}
	r.s.Logf("%s: looks and changes in the second half%s", c.name, said)
	if !alive {
		r.s.Found("%s: on no side did looks and changes go on", c.name)
	}
}
