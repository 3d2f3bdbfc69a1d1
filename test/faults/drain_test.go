package faults_test

import (
	"encoding/json"
	"fmt"
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
	nodes[0].Terminate()
	nodes[0].Restart()
	if a := state("a", "a"); a != "up, empty" {
		s.Found("after the restart a is %q", a)
	}
}
