package faults_test

import (
	"fmt"
	"testing"
	"time"

	"atelier/test/rig"
)

const (
	cutProjects = 12
	cutOwned    = 6                // by one of their owners
	beforeCut   = time.Second      // at work
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
		return [][]*rig.Node{nodes} // each of the two asks the other through the third
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
		c, nodes := cuts[order[round%len(cuts)]], shuffled(n.Nodes, random)
		r := &faultRound{s: s, nodes: n.Nodes, clients: clients, during: cutTime}
		r.observe(users, round)
		r.run(fault{
			name:  fmt.Sprintf("%s (%s first)", c.name, nodes[0].Name),
			make:  func() [][]*rig.Node { return c.make(n, nodes) },
			undo:  n.Heal,
			whole: func() error { return rig.AwaitWhole(s.Context(), n.Nodes, healsWithin) },
		}, round)
		judgeHistories(s, db, r.subjects, func(i int) []*rig.Client { return clients[i/cutOwned] })
		if t.Failed() {
			return
		}
	}
	if !s.Await(db, vanishedWithin, `SELECT (max(n) <= $1)::int FROM (SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'atelier' GROUP BY client_addr) nodes`, 1, connectionsMost) {
		s.Found("the database keeps connections of nodes that ended them while they were cut off")
	}
}

const (
	connectionsMost = 40               // of a node on two cores, which has 27, and those of others that are ending
	vanishedWithin  = 60 * time.Second // until the database notices that a connection has vanished
)

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
