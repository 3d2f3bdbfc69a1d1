package outbox

import (
	"slices"
	"sync"
	"time"
)

// leases are those of a node. The keeper sets them, lanes use them.
type leases struct {
	lanes int

	mu    sync.Mutex // of everything below
	until time.Time  // by this process's clock
	held  []Lease
	over  []Lease         // to be given back
	busy  map[int][]Lease // by lane: what it is at work on
}

// set takes down what the database has granted; it reports whether there is
// anything new.
func (l *leases) set(held []Lease, share int, until time.Time) (grown bool) {
	slices.SortFunc(held, func(a, b Lease) int { return a.Shard - b.Shard })
	l.mu.Lock()
	defer l.mu.Unlock()
	over := surplus(held, share)
	kept := held[:len(held)-len(over)]
	grown = time.Now().After(l.until) || slices.ContainsFunc(kept, func(a Lease) bool { return !slices.Contains(l.held, a) })
	l.held, l.over, l.until = slices.Clone(kept), slices.Clone(over), until
	return grown
}

// take is what a lane may work on until it says done; nothing once the leases are
// no longer good.
func (l *leases) take(lane int) []Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !time.Now().Before(l.until) {
		return nil
	}
	var mine []Lease
	for _, a := range l.held {
		if a.Shard%l.lanes == lane {
			mine = append(mine, a)
		}
	}
	if l.busy == nil {
		l.busy = map[int][]Lease{}
	}
	l.busy[lane] = mine
	return mine
}

func (l *leases) done(lane int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, lane)
}

// good reports whether what a lane has taken is still the node's.
func (l *leases) good(taken []Lease) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until) && !slices.ContainsFunc(taken, func(a Lease) bool {
		return !slices.Contains(l.held, a) && !slices.Contains(l.over, a)
	})
}

// free are those to give back on which no lane is at work.
func (l *leases) free() (list []Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.over {
		if !slices.Contains(l.busy[a.Shard%l.lanes], a) {
			list = append(list, a)
		}
	}
	l.over = slices.DeleteFunc(l.over, func(a Lease) bool { return slices.Contains(list, a) })
	return list
}

func (l *leases) all() []Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.held, l.over)
}

func (l *leases) count() int { return len(l.all()) }

// drop forgets all, and tells what there was.
func (l *leases) drop() []Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Concat(l.held, l.over)
	l.held, l.over, l.until = nil, nil, time.Time{}
	return all
}
