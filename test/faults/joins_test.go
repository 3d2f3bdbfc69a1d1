package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
)

const (
	joinUsers   = 30               // of each race
	joinRaces   = 10               // at a time
	joinAgainIn = time.Second      // after an attempt that came to nothing
	joinLasts   = 2 * time.Minute  // at most, the cut included
	joinsInCut  = 10 * time.Second // then it heals
)

// Many want into projects with room for few, on all nodes, while the network is
// cut. Whoever is not answered asks again, now here and now there. In the end as
// many are in as there is room for, and those who were told so are among them.
func TestLimitsHoldAcrossCuts(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	n, url := s.StartNetwork("a", "b", "c")
	users, db, owners := s.Crowd(n.Nodes[0], joinUsers), s.Database(url, nil), ownersOn(s, n.Nodes, 1)[0]
	cuts := []cut{oneApart, oneLost, eachAlone, oneWay}
	random := s.Random(0)
	order := random.Perm(len(cuts))
	for round := 0; round*joinRaces < joinedInCuts; round++ {
		var races []*joinRace
		for i := range joinRaces {
			p, r := owners[i%len(owners)].CreateProject(s.Context(), fmt.Sprintf("room %d-%d", round, i), 1+i)
			if p == nil {
				s.Fatalf("a project was not created: %s", r)
			}
			races = append(races, &joinRace{project: p.ID, limit: 1 + i, in: map[string]bool{}})
		}
		ctx, cancel := context.WithTimeout(s.Context(), joinLasts)
		var joining sync.WaitGroup
		c := cuts[order[round%len(cuts)]]
		c.make(n, shuffled(n.Nodes, random))
		for _, r := range races {
			for i, u := range users {
				joining.Go(func() { r.insist(ctx, owners, i, u.ID) })
			}
		}
		time.Sleep(joinsInCut)
		n.Heal()
		joining.Wait()
		cancel()
		if err := rig.AwaitWhole(s.Context(), n.Nodes, healsWithin); err != nil {
			s.Found("%s: %s after it has healed: %v", c.name, healsWithin, err)
		}
		for _, r := range races {
			r.judge(s, db, c, owners)
		}
		s.Logf("%d of %d projects, %s", min((round+1)*joinRaces, joinedInCuts), joinedInCuts, c.name)
	}
}

// joinRace is one project that all want into.
type joinRace struct {
	project string
	limit   int

	mu    sync.Mutex // of everything below
	in    map[string]bool
	full  int
	other []*rig.Reply
}

// insist asks on one node after the other until it is told an end. Who may have
// got in by an earlier attempt is told that he is in.
func (r *joinRace) insist(ctx context.Context, owners []*rig.Client, first int, user string) {
	for attempt := 0; ; attempt++ {
		reply := owners[(first+attempt)%len(owners)].Add(ctx, r.project, user, "editor", rig.Key("join-"+r.project+user))
		r.mu.Lock()
		switch {
		case reply.OK() || reply.Is("already_collaborator"):
			r.in[user] = true
		case reply.Is("collaborator_limit_reached"):
			r.full++
		case reply.Outcome == rig.Answered || ctx.Err() != nil:
			r.other = append(r.other, reply)
		default:
			r.mu.Unlock()
			time.Sleep(joinAgainIn)
			continue
		}
		r.mu.Unlock()
		return
	}
}

func (r *joinRace) judge(s *rig.Scenario, db *rig.Database, c cut, owners []*rig.Client) {
	for _, reply := range r.other {
		s.Errorf("%s: an attempt ended otherwise: %s", c.name, reply)
	}
	if len(r.in) != r.limit || r.full != joinUsers-r.limit {
		s.Found("%s: limit %d, %d attempts: %d got in, %d were told it is full", c.name, r.limit, joinUsers, len(r.in), r.full)
	}
	rows := s.Compare(db, r.project, owners...)
	for user := range r.in {
		if rows.Roles[user] == "" {
			s.Found("%s: %s was told to be in project %s, and is not", c.name, user, r.project)
		}
	}
	if len(rows.Roles) != r.limit {
		s.Found("%s: limit %d: the database has %d collaborators", c.name, r.limit, len(rows.Roles))
	}
}
