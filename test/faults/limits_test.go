package faults_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"atelier/test/rig"
	"atelier/test/services"
)

// Fifty add at the same time: as many get in as the limit allows, on every
// engine.
func TestLimitsHoldUnderParallelAdds(t *testing.T) {
	t.Parallel()
	each(t, func(s *rig.Scenario, url string) {
		node := s.Start("a", url)
		users := s.Crowd(node, 50)
		owner := s.SignIn(node, s.Register(node, "owner")).At(node)
		var races []*race
		for _, limit := range []int{0, 1, 3, 7} {
			races = append(races, runRace(s, []*rig.Client{owner}, users, limit))
		}
		node.Terminate()
		for _, r := range races {
			r.judge(s, s.Database(url, node))
		}
	})
}

// The same race through two processes at once, for many projects, some of them
// with more room than there are users who want in.
func TestLimitsHoldAcrossProcesses(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	raceAll(s, url, []*rig.Node{s.Start("a", url), s.Start("b", url)}, joinedProjects)
}

// And through all nodes of a cluster.
func TestLimitsHoldAcrossNodes(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	raceAll(s, url, s.StartCluster(url, "a", "b", "c"), joinedInCluster)
}

func raceAll(s *rig.Scenario, url string, nodes []*rig.Node, projects int) {
	s.Helper()
	users := s.Crowd(nodes[0], 100)
	owners := ownersOn(s, nodes, 1)[0]
	random, db := s.Random(0), s.Database(url, nil)
	for i := range projects {
		joining := users
		if i%10 == 9 {
			joining = users[:1+random.IntN(10)]
		}
		r := runRace(s, owners, joining, 1+i%10)
		r.judge(s, db, owners...)
		if (i+1)%max(1, projects/10) == 0 {
			s.Logf("%d of %d projects", i+1, projects)
		}
	}
}

// race is one project and what came of the attempts to get in.
type race struct {
	project string
	users   int
	limit   int
	in      int64
	full    int64
	other   atomic.Pointer[rig.Reply]
}

// runRace lets all users in at once, by turns through the clients.
func runRace(s *rig.Scenario, owners []*rig.Client, users []*rig.User, limit int) *race {
	p, r := owners[0].CreateProject(s.Context(), fmt.Sprintf("room for %d", limit), limit)
	if p == nil {
		s.Fatalf("a project was not created: %s", r)
	}
	result := &race{project: p.ID, users: len(users), limit: limit}
	var in, full atomic.Int64
	var joining sync.WaitGroup
	start := make(chan struct{})
	for i, u := range users {
		joining.Go(func() {
			<-start
			switch r := owners[i%len(owners)].Add(s.Context(), p.ID, u.ID, "editor"); {
			case r.OK():
				in.Add(1)
			case r.Is("collaborator_limit_reached"):
				full.Add(1)
			default:
				result.other.Store(r)
			}
		})
	}
	close(start)
	joining.Wait()
	result.in, result.full = in.Load(), full.Load()
	return result
}

func (r *race) judge(s *rig.Scenario, db *rig.Database, clients ...*rig.Client) {
	want := min(r.limit, r.users)
	if other := r.other.Load(); other != nil {
		s.Errorf("an attempt ended otherwise: %s", other)
	}
	if r.in != int64(want) || r.full != int64(r.users-want) {
		s.Found("limit %d, %d attempts: %d got in, %d were told it is full", r.limit, r.users, r.in, r.full)
	}
	if rows := s.Compare(db, r.project, clients...); len(rows.Roles) != want {
		s.Found("limit %d, %d attempts: the database has %d collaborators", r.limit, r.users, len(rows.Roles))
	}
}

// An address is taken once, whoever registers it at the same time and in
// whatever spelling.
func TestAddressesAreTakenOnce(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := []*rig.Node{s.Start("a", url), s.Start("b", url)}
	for i := range 5 {
		var created, taken atomic.Int64
		var registering sync.WaitGroup
		start := make(chan struct{})
		for j := range 8 {
			address := fmt.Sprintf("Someone%d@Example.org", i)
			if j%4 < 2 {
				address = strings.ToLower(address)
			}
			c := nodes[j%len(nodes)].Client()
			registering.Go(func() {
				<-start
				switch r := c.Register(s.Context(), address); {
				case r.OK():
					created.Add(1)
				case r.Is("email_taken"):
					taken.Add(1)
				default:
					s.Errorf("a registration ended otherwise: %s", r)
				}
			})
		}
		close(start)
		registering.Wait()
		if created.Load() != 1 {
			s.Found("an address was registered %d times and refused %d times", created.Load(), taken.Load())
		}
	}
}
