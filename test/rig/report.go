package rig

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally is what a scenario's report is made of: the faults that were made, and how
// the clients got on meanwhile.
type tally struct {
	mu       sync.Mutex // of everything below
	faults   map[string]int
	outcomes map[Outcome]int
	took     [buckets]int     // answered requests, by the logarithm of their time
	failing  map[string]*span // what is not answered through a node: from the first request that was not, to the last
	gaps     []time.Duration  // for which it was not
}

// span is a time.
type span struct{ since, until time.Time }

// unasked is after how long without a request a gap has ended with the last one: nobody
// knows whether the next would have been answered.
const unasked = 2 * time.Second

const (
	buckets   = 256
	perOctave = 8
)

func newTally() *tally {
	return &tally{faults: map[string]int{}, outcomes: map[Outcome]int{}, failing: map[string]*span{}}
}

// fault counts one.
func (t *tally) fault(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[what]++
}

// request counts one that was sent through a node.
func (t *tally) request(node, path string, began time.Time, end Outcome) {
	now := time.Now()
	parts := strings.SplitN(path, "/", 4) // "", the collection, the id: what it is about
	about := node + strings.Join(parts[:min(len(parts), 3)], "/")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[end]++
	gap := t.failing[about]
	if gap != nil && (end == Answered || began.Sub(gap.until) > unasked) {
		if began.Sub(gap.until) <= unasked {
			gap.until = now
		}
		t.gaps = append(t.gaps, gap.until.Sub(gap.since))
		delete(t.failing, about)
		gap = nil
	}
	switch {
	case end == Answered:
		t.took[bucket(now.Sub(began))]++
	case gap == nil:
		t.failing[about] = &span{began, now}
	default:
		gap.until = now
	}
}

func bucket(took time.Duration) int {
	return min(int(perOctave*math.Log2(1+float64(took.Microseconds()))), buckets-1)
}

// latency is what this share of the answered requests did not take longer than,
// to a tenth.
func (t *tally) latency(share float64) time.Duration {
	left := int(math.Ceil(share * float64(t.outcomes[Answered])))
	for i, n := range t.took {
		if left -= n; left <= 0 {
			return time.Duration(math.Exp2(float64(i+1)/perOctave)) * time.Microsecond
		}
	}
	return 0
}

// String is the report.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var faults []string
	for _, what := range slices.Sorted(maps.Keys(t.faults)) {
		faults = append(faults, fmt.Sprintf("%d × %s", t.faults[what], what))
	}
	if faults == nil {
		faults = []string{"none"}
	}
	said := fmt.Sprintf("faults: %s\nrequests: %d answered, %d not carried out, %d with an unknown end\nlatency of the answered: median %s, p99 %s, longest %s",
		strings.Join(faults, ", "), t.outcomes[Answered], t.outcomes[NotDone], t.outcomes[Unknown], short(t.latency(0.5)), short(t.latency(0.99)), short(t.latency(1)))
	for _, gap := range t.failing { // nobody has asked since
		t.gaps = append(t.gaps, gap.until.Sub(gap.since))
	}
	clear(t.failing)
	if len(t.gaps) == 0 {
		return said + "\ngaps: none"
	}
	slices.Sort(t.gaps)
	at := func(share float64) string { return short(t.gaps[int(share*float64(len(t.gaps)-1))]) }
	return said + fmt.Sprintf("\ngaps (one thing not answered through one node): %d, median %s, p99 %s, longest %s", len(t.gaps), at(0.5), at(0.99), at(1))
}

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
