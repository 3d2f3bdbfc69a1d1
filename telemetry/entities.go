package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"atelier/actors/store"
)

// Entities count what happens in the runtime of the entities. They are its Meter.
type Entities struct {
	Overloads
	activated, passivated, fenced, unknown map[store.Kind]prometheus.Counter
	size, took                             prometheus.Histogram
	handOvers                              map[string]handOvers
}

// handOvers are those of one direction.
type handOvers struct {
	done, failed prometheus.Counter
	took         prometheus.Observer
}

// Directions of a hand-over.
const (
	asked = "asked" // this node asked another one
	given = "given" // another asked this one
)

// Entities adds the metrics of entities of these kinds.
func (r *Registry) Entities(o Overloads, kinds ...store.Kind) *Entities {
	each := func(name, help string) map[store.Kind]prometheus.Counter {
		return children(r.counters(name, help, "kind"), kinds)
	}
	e := &Entities{
		Overloads: o, handOvers: map[string]handOvers{},
		activated:  each("atelier_activations_total", "Entities that came into memory."),
		passivated: each("atelier_passivations_total", "Entities that left memory because they were idle."),
		fenced:     each("atelier_commits_fenced_total", "Commits that the database refused because another activation has the row."),
		unknown:    each("atelier_commits_unknown_total", "Commits of which nobody can say whether they were written."),
		size:       r.histogram("atelier_commit_group_size", "Commits written together.", groupSizes),
		took:       r.histogram("atelier_commit_group_duration_seconds", "Writing a group of commits.", waitTimes),
	}
	counters := r.counters("atelier_hand_overs_total", "Entities that this node asked another for, or gave to another.", "direction", "result")
	took := r.histograms("atelier_hand_over_duration_seconds", "A hand-over, from asking to its end.", waitTimes, "direction")
	for _, d := range []string{asked, given} {
		e.handOvers[d] = handOvers{counters.WithLabelValues(d, "done"), counters.WithLabelValues(d, "failed"), took.WithLabelValues(d)}
	}
	return e
}

// Activated implements actors.Meter.
func (e *Entities) Activated(kind store.Kind) { e.activated[kind].Inc() }

// Passivated implements actors.Meter.
func (e *Entities) Passivated(kind store.Kind) { e.passivated[kind].Inc() }

// Fenced implements actors.Meter.
func (e *Entities) Fenced(kind store.Kind) { e.fenced[kind].Inc() }

// Unknown implements actors.Meter.
func (e *Entities) Unknown(kind store.Kind) { e.unknown[kind].Inc() }

// Committed implements actors.Meter.
func (e *Entities) Committed(commits int, took time.Duration) {
	e.size.Observe(float64(commits))
	e.took.Observe(took.Seconds())
}

// HandedOver implements actors.Meter.
func (e *Entities) HandedOver(byAsking bool, took time.Duration, done bool) {
	direction := given
	if byAsking {
		direction = asked
	}
	h := e.handOvers[direction]
	if h.took.Observe(took.Seconds()); done {
		h.done.Inc()
	} else {
		h.failed.Inc()
	}
}
