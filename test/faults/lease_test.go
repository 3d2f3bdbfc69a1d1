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

// A process that is alone answers reads from memory. Others come and go: told to
// stop, killed, and started while the first one is frozen, which then wakes up
// with a memory that is no longer true. Every read shows the truth all the time.
func TestProcessesComeAndGo(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	stays := s.Start("stays", url)
	db := s.Database(url, nil)
	users := s.Crowd(stays, 12)
	owner := s.Register(stays, "owner")
	first := s.SignIn(stays, owner).At(stays)
	second := s.SignIn(stays, owner)
	goes := s.Start("goes", url)
	goes.Terminate()
	clients := []*rig.Client{first, second.At(goes)}

	for round := range leaseRounds {
		var subjects []*rig.Subject
		for i := range 20 {
			subjects = append(subjects, s.Observe(t.Context(), first, fmt.Sprintf("lease %d", i), users, 4))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for i, subject := range subjects {
			for j, c := range []*rig.Client{first, first, clients[1]} {
				w := subject.Worker(c, s.Random(3*(20*round+i)+j))
				workers.Go(func() { w.Run(ctx) })
			}
		}
		comeAndGo(s, db, stays, goes)
		cancel()
		workers.Wait()
		goes.Restart()
		judgeHistories(s, db, subjects, func(int) []*rig.Client { return clients })
		goes.Terminate()
	}
}

const (
	together = 2 * time.Second
	alone    = time.Second
)

func comeAndGo(s *rig.Scenario, db *rig.Database, stays, goes *rig.Node) {
	await := func(condition string) {
		if !s.Await(db, time.Minute, `SELECT count(*) FROM nodes WHERE name = $1 AND `+condition, 1, stays.Name) {
			s.Fatalf("node %s is not %s after a minute", stays.Name, condition)
		}
	}
	trusted := func() {
		await("exclusive")
		time.Sleep(alone)
	}
	trusted()
	goes.Restart()
	time.Sleep(together)
	goes.Terminate()

	trusted()
	goes.Restart()
	time.Sleep(together)
	goes.Kill()

	trusted()
	stays.Freeze()
	goes.Restart()
	await("dead")
	time.Sleep(together)
	stays.Thaw()
	time.Sleep(together)
	goes.Terminate()
}
