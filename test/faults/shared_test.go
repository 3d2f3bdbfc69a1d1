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

// Two processes that know nothing of each other work on the same projects. Only
// the fences in the database keep them apart, and claims go to and fro all the
// time, many of them while the other's commit is in flight.
func TestTwoProcessesShareProjects(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := []*rig.Node{s.Start("a", url), s.Start("b", url)}
	users := s.Crowd(nodes[0], 12)
	subjects, clients := observeShared(s, nodes, users)

	db := s.Database(url, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var workers sync.WaitGroup
	for i, subject := range subjects {
		for j, c := range clients[i] {
			for k := range workersEach {
				w := subject.Worker(c, s.Random((i*len(nodes)+j)*workersEach+k))
				workers.Go(func() { w.Run(ctx) })
			}
		}
	}
	time.Sleep(sharedLoad)
	s.Await(db, `SELECT sum(epoch - 1) FROM projects`, leastClaims*int64(len(subjects))) // else the processes hardly met
	cancel()
	workers.Wait()
	judgeShared(s, nodes, subjects, clients, db)
}

const (
	workersEach = 2  // for each project on each node
	leastClaims = 20 // of each project, so that a run counts
)

// observeShared makes the projects, with an owner for every ten, and a client
// for each project and node.
func observeShared(s *rig.Scenario, nodes []*rig.Node, users []*rig.User) ([]*rig.Subject, [][]*rig.Client) {
	var subjects []*rig.Subject
	var clients [][]*rig.Client
	var owners []*rig.Client
	for i := range sharedProjects {
		if i%10 == 0 {
			owner := s.Register(nodes[0], fmt.Sprintf("owner%d", i))
			owners = nil
			for _, n := range nodes {
				owners = append(owners, s.SignIn(n, owner).At(n))
			}
		}
		clients = append(clients, owners)
		subjects = append(subjects, s.Observe(s.Context(), owners[i%len(nodes)], fmt.Sprintf("shared %d", i), users, 4))
	}
	return subjects, clients
}

// judgeShared checks every history, the projects' final state in every way to
// look at it, and that the run was one that counts.
func judgeShared(s *rig.Scenario, nodes []*rig.Node, subjects []*rig.Subject, clients [][]*rig.Client, db *rig.Database) {
	var histories []*rig.History
	for i, subject := range subjects {
		for _, c := range clients[i] {
			subject.Worker(c, s.Random(-1)).Do(s.Context(), rig.Input{Action: rig.Read})
		}
		subject.History.Check(s, fmt.Sprintf("project_%d", i))
		s.Compare(db, subject.ID, clients[i]...)
		histories = append(histories, subject.History)
	}
	rig.Count(histories).Judge(s, nodes...)
	claims, err := db.Int(s.Context(), `SELECT sum(epoch - 1) FROM projects`)
	s.Must(err)
	s.Logf("%d claims", claims)
}
