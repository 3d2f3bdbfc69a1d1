package faults_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"atelier/test/rig"
	"atelier/test/services"
)

// scrape reads a node's metrics: sums over all labels, each value by itself, those of
// all labels together, and for histograms the number of observations.
func scrape(s *rig.Scenario, ops string) map[string]float64 {
	s.Helper()
	answer, err := http.Get("http://" + ops + "/metrics")
	s.Must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.Must(err)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	s.Must(err)
	sums := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			sums[name] += v
			together := name
			for _, l := range m.GetLabel() {
				sums[name+"/"+l.GetValue()] += v
				together += "/" + l.GetValue()
			}
			if len(m.GetLabel()) > 1 {
				sums[together] = v
			}
		}
	}
	return sums
}

// What nodes of a cluster tell of themselves and of each other adds up: who works on
// both of two is one user, what lives on them is seen from either, and what one
// asks of the other is counted. The lease of a node that is killed is struck or
// buried by the other.
func TestMetricsOfACluster(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	ops := map[string]string{"a": services.FreeAddress(s), "b": services.FreeAddress(s)}
	nodes := s.StartClusterWith(services.Postgres(t).URL(), func(name string) []string { return []string{"ATELIER_OPS_ADDR=" + ops[name]} }, "a", "b")
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	var project struct{ ID string }
	const projects = 20
	var ids []string
	for i := range projects {
		s.Must(owner.At(nodes[i%2]).Do(s.Context(), "POST", "/projects", map[string]string{"name": fmt.Sprint(i)}).Into(&project))
		ids = append(ids, project.ID)
	}
	other := s.Register(nodes[0], "other")
	if r := owner.At(nodes[0]).Add(s.Context(), project.ID, other.ID, "viewer"); !r.OK() {
		s.Found("add: %s", r)
	}
	if r := owner.At(nodes[1]).Remove(s.Context(), project.ID, other.ID); !r.OK() {
		s.Found("remove: %s", r)
	}

	a, b := scrape(s, ops["a"]), scrape(s, ops["b"])
	for name, want := range map[string]float64{
		"projects_created_total": projects, "active_users_total": 1, "atelier_lease_held": 2, "atelier_lease_exclusive": 2, "atelier_cluster_nodes/up": 4,
		"atelier_entities/project": projects, "atelier_activations_total/project": projects, "atelier_revocation_duration_seconds": 1,
		"atelier_revocation_strikes_total": 0, "atelier_cluster_joins_total": 2, "atelier_cluster_leaves_total": 0, "atelier_lease_lost_total": 0,
	} {
		if sum := a[name] + b[name]; sum != want {
			s.Found("%s is %v and %v, and not %v together", name, a[name], b[name], want)
		}
	}
	for _, m := range []map[string]float64{a, b} {
		if m["atelier_remote_calls_total/answered"] == 0 || m["atelier_remote_call_duration_seconds"] < m["atelier_remote_calls_total/answered"] {
			s.Found("calls to the other: %v, %v timed", m["atelier_remote_calls_total/answered"], m["atelier_remote_call_duration_seconds"])
		}
	}
	for asked := range ops {
		if seen := livingIn(s, ops[asked]); seen != projects {
			s.Found("%s sees %d projects on both nodes", asked, seen)
		}
	}

	nodes[1].Kill()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		for _, id := range ids { // claims what the other held
			if r := owner.At(nodes[0]).Do(s.Context(), "PATCH", "/projects/"+id, map[string]string{"name": "x"}); !r.OK() {
				s.Logf("after the kill: %s", r)
			}
		}
		a = scrape(s, ops["a"])
		if a["atelier_lease_burials_total"]+a["atelier_lease_strikes_total"] > 0 && a["atelier_cluster_leaves_total"] == 1 && a["atelier_cluster_nodes/up"] == 1 {
			break
		}
		if time.Since(began) > 30*time.Second {
			s.Fatalf("b was killed, and a has counted %v burials, %v strikes and %v leaves", a["atelier_lease_burials_total"], a["atelier_lease_strikes_total"], a["atelier_cluster_leaves_total"])
		}
	}
}

// livingIn is how many projects a node finds in the memory of all nodes.
func livingIn(s *rig.Scenario, ops string) (projects int) {
	s.Helper()
	var c struct {
		Nodes []struct{ Entities map[string]int }
	}
	s.Must(json.Unmarshal([]byte(s.Run("cluster", "status", "--json", "--ops-addr", ops)), &c))
	for _, n := range c.Nodes {
		projects += n.Entities["project"]
	}
	return projects
}
