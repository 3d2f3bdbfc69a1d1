package faults_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"atelier/test/rig"
)

// ledger is what writers were told: every acknowledged write carries a name of
// its own, which must be found once afterwards, whatever was killed meanwhile.
type ledger struct {
	mu      sync.Mutex // of everything below
	grown   *sync.Cond
	acked   map[string][]string // names by project, in the order of their acknowledgement
	open    map[string]int      // names whose end is unknown
	count   map[string]int      // acknowledged writes by node
	slowest time.Duration       // request without an acknowledgement
	pace    time.Duration       // between a writer's requests; 0: as fast as they are answered

	last    map[string]acked         // acknowledgement, by writer
	lost    string                   // node of which a fault is watched; empty: none is
	longest map[string]time.Duration // of each writer on other nodes without an acknowledgement, under that fault
	gaps    []time.Duration          // these of all faults
}

// acked is when a writer's node acknowledged something.
type acked struct {
	node string
	at   time.Time
}

func newLedger() *ledger {
	l := &ledger{acked: map[string][]string{}, open: map[string]int{}, count: map[string]int{}, last: map[string]acked{}}
	l.grown = sync.NewCond(&l.mu)
	return l
}

func (l *ledger) ack(node, project, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[project] = append(l.acked[project], name)
	l.count[node]++
	writer, _, _ := strings.Cut(name, "-")
	l.wait(writer)
	l.last[writer] = acked{node, time.Now()}
	l.grown.Broadcast()
}

// wait notes how long a writer has been without an acknowledgement.
func (l *ledger) wait(writer string) { // under mu
	if last, ok := l.last[writer]; ok && l.lost != "" && last.node != l.lost {
		l.longest[writer] = max(l.longest[writer], time.Since(last.at))
	}
}

// watch begins to look how long writers on other nodes go without an
// acknowledgement; watched ends it.
func (l *ledger) watch(lost string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost, l.longest = lost, map[string]time.Duration{}
}

func (l *ledger) watched() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for writer := range l.last {
		l.wait(writer) // it may still be without one
	}
	l.lost = ""
	l.gaps = slices.AppendSeq(l.gaps, maps.Values(l.longest))
}

// gap is the length that this share of the gaps does not exceed.
func (l *ledger) gap(share float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.gaps)
	return l.gaps[int(share*float64(len(l.gaps)-1))]
}

func (l *ledger) total() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.count {
		n += c
	}
	return n
}

// await waits until so many more writes were acknowledged by the node, and tells
// how long that took.
func (l *ledger) await(s *rig.Scenario, node string, more int) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(s.Context(), ledgerPatience)
	defer cancel()
	defer context.AfterFunc(ctx, l.grown.Broadcast)()
	l.mu.Lock()
	defer l.mu.Unlock()
	for goal := l.count[node] + more; l.count[node] < goal; l.grown.Wait() {
		if ctx.Err() != nil {
			s.Fatalf("node %s acknowledged %d writes and not %d more in %s", node, l.count[node], more, ledgerPatience)
		}
	}
	return time.Since(began)
}

const (
	ledgerWriters  = 16
	ledgerPatience = 2 * time.Minute
	namesEach      = 40                    // of one project, after the one it is created with
	breath         = 10 * time.Millisecond // of a writer that was refused
)

// write has writers write through the clients until ctx ends: each creates a
// project, renames it many times and goes on to the next.
func (l *ledger) write(ctx context.Context, s *rig.Scenario, clients []*rig.Client) *sync.WaitGroup {
	var writers sync.WaitGroup
	for i := range ledgerWriters {
		w := &writer{l, s, clients[i%len(clients)]}
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("w%d-p%d", i, n)
				id, ok := w.create(ctx, name)
				for k := 0; ok && k < namesEach && ctx.Err() == nil; k++ {
					time.Sleep(l.pace)
					ok = w.rename(ctx, id, fmt.Sprintf("%s-n%d", name, k))
				}
				if !ok {
					return
				}
			}
		})
	}
	return &writers
}

type writer struct {
	*ledger
	s *rig.Scenario
	c *rig.Client
}

// create asks until it is answered, always with the same key. A writer that is
// told to stop meanwhile leaves the end open.
func (w *writer) create(ctx context.Context, name string) (id string, ok bool) {
	for {
		began := time.Now()
		p, r := w.c.CreateProject(context.WithoutCancel(ctx), name, 10, rig.Key(name))
		if p != nil {
			w.ack(w.c.Node.Name, p.ID, name)
			return p.ID, true
		}
		if !w.missed(r, name, began) || ctx.Err() != nil {
			return "", false
		}
	}
}

func (w *writer) rename(ctx context.Context, id, name string) (ok bool) {
	began := time.Now()
	p, r := w.c.Rename(context.WithoutCancel(ctx), id, name)
	if p == nil {
		return w.missed(r, name, began)
	}
	w.ack(w.c.Node.Name, id, name)
	return true
}

// missed records a write that was not acknowledged and lets the writer breathe.
// A refusal is a finding and the end: nothing stands against these writes.
func (w *writer) missed(r *rig.Reply, name string, began time.Time) (goOn bool) {
	if r.Outcome == rig.Answered {
		w.s.Found("%q was refused: %s", name, r)
		return false
	}
	w.mu.Lock()
	if r.Outcome == rig.Unknown {
		w.open[name]++
	}
	w.slowest = max(w.slowest, time.Since(began))
	w.mu.Unlock()
	time.Sleep(breath)
	return true
}

// judge looks for every acknowledged write, in the database and through the
// nodes, and for anything twice.
func (l *ledger) judge(s *rig.Scenario, db *rig.Database, clients ...*rig.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for project, acked := range l.acked {
		s.Compare(db, project, clients...)
		events, err := db.Log(s.Context(), "projects/"+project)
		s.Must(err)
		times := named(events)
		at := -1
		for _, name := range acked {
			switch found := times[name]; {
			case len(found) != 1:
				s.Found("%q was acknowledged and is %d times in the log of its project", name, len(found))
			case found[0] <= at:
				s.Found("%q was acknowledged after its predecessor and stands before it in the log", name)
			default:
				at = found[0]
			}
		}
	}
	created, err := db.Created(s.Context())
	s.Must(err)
	for name, n := range created {
		if n != 1 {
			s.Found("%q was created %d times under one key", name, n)
		}
	}
}

// named finds the positions of names in a log.
func named(events []rig.Event) map[string][]int {
	times := map[string][]int{}
	for i, e := range events {
		if name := e.Named(); name != "" {
			times[name] = append(times[name], i)
		}
	}
	return times
}

// judgeStopped is judge for a node whose database may be its own: what it shows
// is asked first, its rows after it has stopped.
func (l *ledger) judgeStopped(s *rig.Scenario, url string, node *rig.Node, c *rig.Client) {
	shown := map[string]rig.Content{}
	for project := range l.acked {
		var err error
		shown[project], err = c.Shown(s.Context(), project)
		s.Must(err)
	}
	if code := node.Terminate(); code != 0 {
		s.Found("node %s stopped with exit code %d", node.Name, code)
	}
	db := s.Database(url, node)
	for project, content := range shown {
		if rows, err := db.Rows(s.Context(), project); err != nil || !rows.Equal(content) {
			s.Found("project %s: the node showed %s, its rows are %s (%v)", project, content, rows, err)
		}
	}
	l.judge(s, db)
}
