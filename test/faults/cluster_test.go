package faults_test

import (
	"context"
	"fmt"
	"net/http"
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

func reactivated(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply {
	return admin.At(at).Do(s.Context(), http.MethodPost, "/users/"+victim.ID+"/reactivate", nil)
}

// endings are the ways in which a session ends: by itself, by another one of its user,
// or by an administrator.
var endings = []struct {
	name string
	end  func(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply
	undo func(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply // nil: there is nothing to undo
}{
	{"signed out", func(s *rig.Scenario, at *rig.Node, victim, _ *rig.User) *rig.Reply {
		return victim.At(at).Do(s.Context(), http.MethodPost, "/auth/logout", nil)
	}, nil},
	{"ended from another session", func(s *rig.Scenario, at *rig.Node, victim, _ *rig.User) *rig.Reply {
		return s.SignIn(at, victim).At(at).Do(s.Context(), http.MethodDelete, "/users/me/sessions/"+victim.Session, nil)
	}, nil},
	{"ended with all others", func(s *rig.Scenario, at *rig.Node, victim, _ *rig.User) *rig.Reply {
		return s.SignIn(at, victim).At(at).Do(s.Context(), http.MethodDelete, "/users/me/sessions", nil)
	}, nil},
	{"ended by an administrator", func(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply {
		return admin.At(at).Do(s.Context(), http.MethodPost, "/users/"+victim.ID+"/revoke-sessions", nil)
	}, nil},
	{"suspended", func(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply {
		return admin.At(at).Do(s.Context(), http.MethodPost, "/users/"+victim.ID+"/suspend", map[string]string{"reason": "a test"})
	}, reactivated},
	{"deactivated", func(s *rig.Scenario, at *rig.Node, victim, admin *rig.User) *rig.Reply {
		return admin.At(at).Do(s.Context(), http.MethodPost, "/users/"+victim.ID+"/deactivate", nil)
	}, reactivated},
}

const revocations = 18

// What was revoked on one node is refused on all of them once the reply is there,
// although they have all validated it before.
func TestRevocationHoldsOnEveryNode(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b", "c")
	admin, user := s.SignIn(nodes[0], s.Administrator(url, "admin")), s.Register(nodes[0], "user")
	for round := range revocations {
		e := endings[round%len(endings)]
		i := round + round/len(endings) // each ending from each node to each
		victim := s.SignIn(nodes[i%len(nodes)], user)
		for _, n := range nodes {
			if r := victim.At(n).Do(s.Context(), "GET", "/users/me", nil); !r.OK() {
				s.Found("before: node %s: %s", n.Name, r)
			}
		}
		at := nodes[(i+1)%len(nodes)]
		if r := e.end(s, at, victim, admin); !r.OK() {
			s.Found("%s: %s", e.name, r)
		}
		for _, n := range nodes {
			if r := victim.At(n).Do(s.Context(), "GET", "/users/me", nil); r.Status != http.StatusUnauthorized && r.Status != http.StatusForbidden {
				s.Found("%s, round %d: node %s: %s", e.name, round, n.Name, r)
			}
		}
		if e.undo != nil {
			if r := e.undo(s, at, victim, admin); !r.OK() {
				s.Found("%s, undone: %s", e.name, r)
			}
		}
	}
	demoted(s, nodes, admin, user)
}

// demoted has an administrator become an ordinary user: no node lets him look after
// users any more.
func demoted(s *rig.Scenario, nodes []*rig.Node, admin, user *rig.User) {
	s.Helper()
	roles := func(all ...string) {
		if r := admin.At(nodes[1]).Do(s.Context(), http.MethodPatch, "/users/"+user.ID, map[string]any{"roles": all}); !r.OK() {
			s.Found("roles: %s", r)
		}
	}
	roles("user", "admin")
	risen := s.SignIn(nodes[0], user)
	look := func(n *rig.Node) *rig.Reply { return risen.At(n).Do(s.Context(), http.MethodGet, "/users", nil) }
	for _, n := range nodes {
		if r := look(n); !r.OK() {
			s.Found("an administrator on node %s: %s", n.Name, r)
		}
	}
	roles("user")
	for _, n := range nodes {
		if r := look(n); r.Status != http.StatusForbidden {
			s.Found("no administrator any more on node %s: %s", n.Name, r)
		}
	}
}
