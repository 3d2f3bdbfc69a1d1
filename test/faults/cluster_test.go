package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	clusterProjects = 24
	clusterOwned    = 8               // by one of their owners
	clusterWork     = 3 * time.Second // between two faults
)

// Three nodes that are one cluster: entities live on one of them and are asked
// from all. Nodes are killed, frozen beyond their lease and stopped in order, one
// after another, while all of them are at work.
func TestClusterSurvivesItsNodes(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b", "c")
	users, db := s.Crowd(nodes[0], 12), s.Database(url, nil)
	clients := clusterOwners(s, nodes)
	var subjects []*rig.Subject
	for i := range clusterProjects {
		subjects = append(subjects, s.Observe(s.Context(), clients[i/clusterOwned][i%len(nodes)], fmt.Sprintf("project %d", i), users, 4))
	}
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var workers sync.WaitGroup
	for i, subject := range subjects {
		for j, c := range clients[i/clusterOwned] {
			w := subject.Worker(c, s.Random(i*len(nodes)+j))
			workers.Go(func() { w.Run(ctx) })
		}
	}
	faults := []func(n *rig.Node){
		func(n *rig.Node) { n.Kill(); n.Restart() },
		func(n *rig.Node) { n.Freeze(); time.Sleep(2 * clusterWork); n.Thaw() },
		func(n *rig.Node) { n.Terminate(); n.Restart() },
	}
	for i, k := range s.Random(1_000).Perm(len(faults)) {
		time.Sleep(clusterWork)
		faults[k](nodes[i])
	}
	time.Sleep(clusterWork)
	cancel()
	workers.Wait()
	for i, subject := range subjects {
		for _, c := range clients[i/clusterOwned] {
			subject.Worker(c, nil).Do(s.Context(), rig.Input{Action: rig.Read})
		}
	}
	judgeHistories(s, db, subjects, func(i int) []*rig.Client { return clients[i/clusterOwned] })
}

// clusterOwners are clients of each owner on each node.
func clusterOwners(s *rig.Scenario, nodes []*rig.Node) (owners [][]*rig.Client) {
	for i := range clusterProjects / clusterOwned {
		owner := s.SignIn(nodes[0], s.Register(nodes[0], fmt.Sprintf("owner%d", i)))
		var clients []*rig.Client
		for _, n := range nodes {
			clients = append(clients, owner.At(n))
		}
		owners = append(owners, clients)
	}
	return owners
}

const revocations = 20

// What was revoked on one node is refused on all of them once the reply is there,
// although they have all validated it before.
func TestRevocationHoldsOnEveryNode(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b", "c")
	user := s.Register(nodes[0], "user")
	for round := range revocations {
		session := s.SignIn(nodes[round%len(nodes)], user)
		for _, n := range nodes {
			if r := session.At(n).Do(s.Context(), "GET", "/users/me", nil); !r.OK() {
				s.Found("before: node %s: %s", n.Name, r)
			}
		}
		if r := session.At(nodes[(round+1)%len(nodes)]).Do(s.Context(), "POST", "/auth/logout", nil); !r.OK() {
			s.Found("log-out: %s", r)
		}
		for _, n := range nodes {
			if r := session.At(n).Do(s.Context(), "GET", "/users/me", nil); r.Status != 401 {
				s.Found("after the log-out, round %d: node %s: %s", round, n.Name, r)
			}
		}
	}
}
