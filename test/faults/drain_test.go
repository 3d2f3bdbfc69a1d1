package faults_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// A drained node owns nothing and serves on: what it owned is asked of the others.
// A restart undoes it. Whoever works meanwhile notices nothing, and no two nodes have
// the same entity.
func TestDrainedNodesServeOn(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	ops := map[string]string{"a": services.FreeAddress(s), "b": services.FreeAddress(s)}
	nodes := s.StartClusterWith(services.Postgres(t).URL(), func(name string) []string { return []string{"ATELIER_OPS_ADDR=" + ops[name]} }, "a", "b")
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	var projects []string
	for i := range 16 {
		var project struct{ ID string }
		s.Must(owner.At(nodes[i%2]).Do(s.Context(), "POST", "/projects", map[string]string{"name": fmt.Sprint(i)}).Into(&project))
		projects = append(projects, project.ID)
	}
	state := func(asked, of string) (found string) {
		var c struct {
			Nodes []struct {
				Name, State string
				Entities    map[string]int
			}
		}
		s.Must(json.Unmarshal([]byte(s.Run("cluster", "status", "--json", "--ops-addr", ops[asked])), &c))
		for _, n := range c.Nodes {
			if n.Name == of {
				found = n.State
				if e := n.Entities; e != nil && e["account"]+e["session"]+e["project"] == 0 {
					found += ", empty"
				}
			}
		}
		return found
	}
	if a := state("a", "a"); a != "up" {
		s.Found("before the drain a is %q", a)
	}
	stop := renaming(s, []*rig.Client{owner.At(nodes[0]), owner.At(nodes[1])}, projects)
	s.Run("drain", "--ops-addr", ops["a"])
	if a := state("a", "a"); a != "draining, empty" {
		s.Found("after the drain a is %q", a)
	}
	for _, id := range projects {
		if r := owner.At(nodes[0]).Do(s.Context(), "PATCH", "/projects/"+id, map[string]string{"name": "x"}); !r.OK() {
			s.Found("after the drain: %s", r)
		}
	}
	if a := state("a", "a"); a != "draining, empty" {
		s.Found("at work a is %q", a)
	}
	s.Logf("%d changes meanwhile", stop())
	onceEach := func() {
		for name, at := range ops {
			if n := scrape(s, at)["atelier_commits_fenced_total"]; n != 0 {
				s.Found("node %s has had %v commits refused: somebody else had the row", name, n)
			}
		}
	}
	onceEach()
	if said, err := s.Try("drain", "--ops-addr", ops["b"]); err == nil || !strings.Contains(said, "there is no other node that could take over what b owns") {
		s.Found("the last node is told to drain: %v: %s", err, said)
	}
	if b := state("b", "b"); b != "up" {
		s.Found("after the refusal b is %q", b)
	}
	nodes[0].Terminate()
	nodes[0].Restart()
	if a := state("a", "a"); a != "up, empty" {
		s.Found("after the restart a is %q", a)
	}
	onceEach() // the node's counter ends with it
	stop = renaming(s, []*rig.Client{owner.At(nodes[1])}, projects)
	nodes[0].Terminate()
	nodes[0].Restart()
	s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
	for began := time.Now(); !strings.HasPrefix(state("b", "a"), "up") || scrape(s, ops["a"])["atelier_entities/project"] == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > healsWithin {
			s.Fatalf("nothing comes to a after %s", healsWithin)
		}
	}
	s.Logf("%d changes over a restart", stop())
	onceEach()
}

// renaming has the clients change projects until it is told to stop, and counts the
// changes. None may fail, and there must be some.
func renaming(s *rig.Scenario, clients []*rig.Client, projects []string) (stop func() int64) {
	var enough atomic.Bool
	var done atomic.Int64
	var working sync.WaitGroup
	for i, id := range projects {
		working.Go(func() {
			for n := 0; !enough.Load(); n++ {
				if _, r := clients[(i+n)%len(clients)].Rename(s.Context(), id, fmt.Sprint("meanwhile ", n)); !r.OK() {
					s.Found("meanwhile: %s", r)
					return
				}
				done.Add(1)
			}
		})
	}
	stop = func() int64 {
		enough.Store(true)
		working.Wait()
		if done.Load() == 0 {
			s.Errorf("nothing was changed meanwhile: this run shows nothing")
		}
		return done.Load()
	}
	s.Cleanup(func() { stop() })
	return stop
}

// Nodes listen on any free port, which no setting knows: in the leases, as in the
// gossip, is where they are.
func TestNodesShowWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartClusterWith(url, func(string) []string { return []string{"ATELIER_CLUSTER_ADDR=127.0.0.1:0"} }, "a", "b")
	s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
	for _, name := range []string{"a", "b"} {
		address, err := s.Database(url, nil).Text(s.Context(), `SELECT address FROM nodes WHERE name = $1`, name)
		s.Must(err)
		conn, err := net.Dial("tcp", address)
		if err != nil {
			s.Found("the lease of %s has the address %q: %v", name, address, err)
			continue
		}
		conn.Close()
	}
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	for i := range 16 { // of which each node owns some
		if r := owner.At(nodes[i%2]).Do(s.Context(), "POST", "/projects", map[string]string{"name": fmt.Sprint(i)}); !r.OK() {
			s.Found("node %s: %s", nodes[i%2].Name, r)
		}
	}
}
