package faults_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"atelier/test/rig"
	"atelier/test/services"
)

// A drained node owns nothing and serves on: what it owned is asked of the others.
// A restart undoes it.
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
