package main

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"atelier/cluster"
)

// scrape reads the metrics of a program as Prometheus does: by name and labels,
// as in name{label="value"}, the count of observations for histograms.
func scrape(t testing.TB, p *program) map[string]float64 {
	t.Helper()
	reply := (&client{t: t, base: p.ops}).do("GET", "/metrics", nil)
	require.Equal(t, 200, reply.status)
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", reply.header.Get("Content-Type"))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(reply.body)))
	require.NoError(t, err)
	values := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
			for _, l := range m.GetLabel() {
				labels[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
			}
			values[labels.String()] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

// TestMetrics drives a server and reads what it tells of that.
func TestMetrics(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		before := scrape(t, p)
		require.EqualValues(t, 0, before[`projects_created_total`])
		require.EqualValues(t, 0, before[`active_users_total`])

		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		for range 3 {
			ada.post("/projects", object{"name": "Harbour"}, "Idempotency-Key: one").created(t)
		}
		path := "/projects/" + ada.post("/projects", object{"name": "Lighthouse"}).created(t).text("id")
		ada.get(path).want(t, 200)
		bob.get(path).refused(t, 404, "not_found")
		ada.get("/nowhere").refused(t, 404, "not_found")
		ada.do("OPTIONS", api+path, nil)
		bob.post("/auth/logout", nil).want(t, 204)

		after := scrape(t, p)
		for series, want := range map[string]float64{
			`http_requests_total{endpoint="/api/v1/projects", method="POST", status="201"}`:                 4,
			`http_requests_total{endpoint="/api/v1/projects/{project_id}", method="GET", status="200"}`:     1,
			`http_requests_total{endpoint="/api/v1/projects/{project_id}", method="GET", status="404"}`:     1,
			`http_requests_total{endpoint="/api/v1/projects/{project_id}", method="OPTIONS", status="204"}`: 1,
			`http_requests_total{endpoint="none", method="GET", status="404"}`:                              1,
			`http_request_duration_seconds{endpoint="/api/v1/projects/{project_id}", method="GET"}`:         2,
			`projects_created_total`:                                     2,
			`active_users_total`:                                         2,
			`atelier_activations_total{kind="project"}`:                  4, // a repeated creation has an id of its own
			`atelier_entities{kind="account"}`:                           2,
			`atelier_revocation_duration_seconds`:                        1,
			`atelier_lease_held`:                                         1,
			`atelier_lease_exclusive`:                                    1,
			`atelier_lease_lost_total`:                                   0,
			`atelier_overloads_total{queue="entity"}`:                    0,
			`atelier_commits_fenced_total{kind="project"}`:               0,
			`atelier_password_hashes{state="waiting"}`:                   0,
			`atelier_build_info{version="` + version + `"}`:              1,
			`atelier_http_requests_in_flight`:                            0,
			`atelier_hand_overs_total{direction="asked", result="done"}`: 0,
		} {
			require.Contains(t, after, series)
			require.Equal(t, want, after[series], series)
		}
		for _, series := range []string{`go_goroutines`, `process_resident_memory_bytes`, `atelier_commit_group_size`, `atelier_commit_group_duration_seconds`} {
			require.Positive(t, after[series], series)
		}
		for series := range after {
			require.NotContains(t, series, ada.user)
		}
		if !store.embedded() {
			require.Positive(t, after[`atelier_lease_remaining_seconds`])
			require.EqualValues(t, 4, after[`atelier_database_connections_max{pool="writes"}`])
			require.Contains(t, after, `atelier_database_waits_total{pool="reads"}`)
			require.Contains(t, after, `atelier_lease_burials_total`)
		}
	})
}

// TestAnActiveUserIsCountedOnce: by the node that owns the account, for five
// minutes.
func TestAnActiveUserIsCountedOnce(t *testing.T) {
	t.Parallel()
	a := newActivity(nil)
	a.note("ada")
	a.note("ada")
	require.EqualValues(t, 1, a.active())
	a.report(t.Context())
	require.EqualValues(t, 1, a.active())
	a.note("ada")
	a.told([]string{"ada", "bob"})
	require.EqualValues(t, 2, a.active())
	a.report(t.Context())
	a.mu.Lock()
	a.seen["bob"] = time.Now().Add(-activeFor)
	a.mu.Unlock()
	require.EqualValues(t, 1, a.active())
	a.report(t.Context())
	require.Len(t, a.seen, 1, "who is not active is forgotten")

	here, there := cluster.Node{Name: "here"}, cluster.Node{Name: "there"}
	v := cluster.View{Self: "here", Nodes: []cluster.Node{here, there}}
	mine := 0
	for _, user := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		if a.owner(v, user) == "" {
			mine++
		} else {
			require.Equal(t, "there", a.owner(v, user))
			require.Empty(t, a.owner(cluster.View{Self: "there", Nodes: v.Nodes}, user))
		}
	}
	require.Greater(t, mine, 0)
	require.Less(t, mine, 8)
}

func TestWhoCameAndWent(t *testing.T) {
	t.Parallel()
	began := time.Unix(1, 0)
	v := cluster.View{Self: "a", Nodes: []cluster.Node{{Name: "a"}, {Name: "b", Started: began}, {Name: "c"}}}
	require.Equal(t, 2, newIn(v, cluster.View{Self: "a"}))
	require.Equal(t, 0, newIn(v, v))
	require.Equal(t, 1, newIn(v, cluster.View{Nodes: []cluster.Node{{Name: "b"}, {Name: "c"}}}), "b was started again")
}
