package faults_test

import (
	"fmt"
	"testing"

	"atelier/test/rig"
	"atelier/test/services"
)

// A caller's trace is in the events of what it asked for, whichever node the
// entity lives on.
func TestTracesReachTheOtherNode(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b")
	s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
	owner, db := s.SignIn(nodes[0], s.Register(nodes[0], "owner")), s.Database(url, nil)
	traced := func(n int) (string, rig.Header) {
		trace := fmt.Sprintf("%032x", n+1)
		return trace, rig.Header{Name: "traceparent", Value: "00-" + trace + "-00f067aa0ba902b7-01"}
	}
	crossed := map[string]int{}
	for i := range 32 {
		var project struct{ ID string }
		_, header := traced(100 + i)
		s.Must(owner.At(nodes[0]).Do(s.Context(), "POST", "/projects", map[string]string{"name": "x"}, header).Into(&project))
		home, err := db.Text(s.Context(), `SELECT coalesce(node, '') FROM projects WHERE id = $1`, project.ID)
		s.Must(err)
		for k, n := range nodes {
			trace, header := traced(2*i + k)
			s.Must(owner.At(n).Do(s.Context(), "PATCH", "/projects/"+project.ID, map[string]string{"name": fmt.Sprint(i, k)}, header).Into(&project))
			if home != n.Name {
				crossed[n.Name]++
			}
			found, err := db.Text(s.Context(), `SELECT trace FROM events WHERE stream = $1 ORDER BY seq DESC LIMIT 1`, "projects/"+project.ID)
			if s.Must(err); len(found) != 55 || found[3:35] != trace {
				s.Found("%s of %s asked through %s under the trace %s has %q", project.ID, home, n.Name, trace, found)
			}
		}
	}
	for _, n := range nodes {
		if crossed[n.Name] == 0 {
			s.Errorf("nothing that %s was asked for lived elsewhere: this run shows nothing", n.Name)
		}
	}
}
