package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Calls count commands to other nodes. They are the transport's Meter.
type Calls struct {
	Overloads
	results map[string]prometheus.Counter
	took    prometheus.Histogram
}

// Calls adds the metrics of commands to other nodes, which end with one of the
// results.
func (r *Registry) Calls(o Overloads, results ...string) *Calls {
	return &Calls{
		Overloads: o,
		results:   children(r.counters("atelier_remote_calls_total", "Commands to entities on other nodes, one for each attempt.", "result"), results),
		took:      r.histogram("atelier_remote_call_duration_seconds", "A command to another node, from sending it to its end.", requestTimes),
	}
}

// Called implements cluster.Meter.
func (c *Calls) Called(result string, took time.Duration) {
	c.results[result].Inc()
	c.took.Observe(took.Seconds())
}

// Nodes count what happens between the nodes of a cluster.
type Nodes struct {
	Joins, Leaves     prometheus.Counter   // in this node's view
	RevocationStrikes prometheus.Counter   // leases taken because a revocation was not answered
	Revocations       prometheus.Histogram // seconds until nobody answers by what was revoked
	ProjectsCreated   prometheus.Counter
}

// Nodes adds these metrics.
func (r *Registry) Nodes() Nodes {
	return Nodes{
		Joins:             r.counter("atelier_cluster_joins_total", "Nodes that came into this node's view of the cluster, restarts among them."),
		Leaves:            r.counter("atelier_cluster_leaves_total", "Nodes that went out of this node's view of the cluster."),
		RevocationStrikes: r.counter("atelier_revocation_strikes_total", "Leases that this node took because a revocation was not answered in time."),
		Revocations:       r.histogram("atelier_revocation_duration_seconds", "From a committed revocation until no node answers by what was revoked.", waitTimes),
		ProjectsCreated:   r.counter("projects_created_total", "Projects created by this node's entities."),
	}
}
