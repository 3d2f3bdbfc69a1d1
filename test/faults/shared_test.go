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
	users, db := s.Crowd(nodes[0], 12), s.Database(url, nil)
	owners := sharedOwners(s, nodes)
	for round := range sharedRounds {
		share(s, db, nodes, owners, users, round)
	}
}

const (
	sharedProjects = 50
	sharedOwned    = 10 // by one of their owners
	workersEach    = 2  // for each project on each node
	leastClaims    = 20 // of each project, so that a run counts
	sharedLoad     = 8 * time.Second
	sharedLonger   = 20 * time.Second // at most, until there were as many
)

// sharedOwners are clients of each owner on each node.
func sharedOwners(s *rig.Scenario, nodes []*rig.Node) (owners [][]*rig.Client) {
	for i := range sharedProjects / sharedOwned {
		owner := s.Register(nodes[0], fmt.Sprintf("owner%d", i))
		var clients []*rig.Client
		for _, n := range nodes {
			clients = append(clients, s.SignIn(n, owner).At(n))
		}
		owners = append(owners, clients)
	}
	return owners
}

// share has all nodes work on the same new projects, and judges what came of it.
func share(s *rig.Scenario, db *rig.Database, nodes []*rig.Node, owners [][]*rig.Client, users []*rig.User, round int) {
	var subjects []*rig.Subject
	for i := range sharedProjects {
		c := owners[i/sharedOwned][i%len(nodes)]
		subjects = append(subjects, s.Observe(s.Context(), c, fmt.Sprintf("shared %d", i), users, 4))
	}
	before := claims(s, db)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var workers sync.WaitGroup
	for i, subject := range subjects {
		for j, c := range owners[i/sharedOwned] {
			for k := range workersEach {
				w := subject.Worker(c, s.Random(((round*sharedProjects+i)*len(nodes)+j)*workersEach+k))
				workers.Go(func() { w.Run(ctx) })
			}
		}
	}
	time.Sleep(sharedLoad)
	met := s.Await(db, sharedLonger, claimsQuery, before+int64(leastClaims*len(subjects)))
	cancel()
	workers.Wait()
	s.Logf("%d claims", claims(s, db)-before)
	for i, subject := range subjects {
		for _, c := range owners[i/sharedOwned] {
			subject.Worker(c, nil).Do(s.Context(), rig.Input{Action: rig.Read})
		}
	}
	judgeHistories(s, db, subjects, func(i int) []*rig.Client { return owners[i/sharedOwned] })
	if !met {
		s.Errorf("the processes hardly met: this run shows nothing")
	}
}

const claimsQuery = `SELECT coalesce(sum(epoch - 1), 0)::bigint FROM projects`

func claims(s *rig.Scenario, db *rig.Database) int64 {
	n, err := db.Int(s.Context(), claimsQuery)
	s.Must(err)
	return n
}

// judgeHistories checks every history and the projects' final state in every way
// to look at it, and that the run was one that counts.
func judgeHistories(s *rig.Scenario, db *rig.Database, subjects []*rig.Subject, clients func(i int) []*rig.Client) {
	var histories []*rig.History
	for i, subject := range subjects {
		subject.History.Check(s, fmt.Sprintf("project_%d", i))
		s.Compare(db, subject.ID, clients(i)...)
		histories = append(histories, subject.History)
	}
	rig.Count(histories).Judge(s, clients(0)...)
}
