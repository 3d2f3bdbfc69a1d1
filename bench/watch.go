package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Pauses of a client between two of its requests.
const (
	watchEvery = 50 * time.Millisecond
	watchRetry = 20 * time.Millisecond // after a failure
)

// watch is a client of one project that asks for it again and again.
type watch struct {
	project string
	writes  bool
	home    *node // of the project, while all nodes run
	nth     int

	mu    sync.Mutex
	asked time.Time     // when the last answer was asked for; zero before the first
	came  time.Time     // and when it came
	gap   time.Duration // the longest time between two answers since reset
}

// post is a cluster with clients of each of its projects. They leave out the node
// that is to fail.
type post struct {
	*fleet
	watches []*watch
	failing atomic.Pointer[node]
}

// watch begins to ask for all projects, half of the clients reading and half
// writing, until ctx ends.
func (f *fleet) watch(ctx context.Context, all *sync.WaitGroup) *post {
	p := &post{fleet: f}
	p.failing.Store(f.nodes[0])
	for i, id := range f.owns {
		w := &watch{project: id, writes: i%2 == 1, home: home(f.nodes, "project", id), nth: i / 2}
		p.watches = append(p.watches, w)
		all.Go(func() { w.run(ctx, p) })
	}
	return p
}

// run asks over one connection, which it makes anew after a failure.
func (w *watch) run(ctx context.Context, p *post) {
	var via *node
	var line *wire
	hangUp := func() {
		if line != nil {
			line.conn.Close()
			line = nil
		}
	}
	defer hangUp()
	for ctx.Err() == nil {
		if next := p.survivor(w.nth); next != via {
			hangUp()
			via = next
		}
		if line == nil {
			var err error
			if line, err = dial(via.api); err != nil {
				line = nil
				time.Sleep(watchRetry)
				continue
			}
		}
		if w.ask(p, line) {
			time.Sleep(watchEvery)
			continue
		}
		hangUp()
		time.Sleep(watchRetry)
	}
}

// survivor is one of the nodes that are not to fail.
func (p *post) survivor(nth int) *node {
	failing := p.failing.Load()
	var others []*node
	for _, n := range p.nodes {
		if n != failing {
			others = append(others, n)
		}
	}
	return others[nth%len(others)]
}

func (w *watch) ask(p *post, line *wire) (answered bool) {
	who := reading(p.people[0], []string{w.project})
	if w.writes {
		who = renaming(p.people[0], []string{w.project})
	}
	who.next(&line.request)
	asked := time.Now()
	if line.exchange(asked) != nil {
		return false
	}
	came := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.came.IsZero() {
		w.gap = max(w.gap, came.Sub(w.came))
	}
	w.asked, w.came = asked, came
	return true
}

// reset forgets the longest gap.
func (w *watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gap = 0
}

// since reports whether something was answered that was asked after a moment, and
// the longest gap until then.
func (w *watch) since(t time.Time) (gap time.Duration, answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gap, w.asked.After(t)
}

// all returns when each client has been answered something that it asked after a
// moment.
func (p *post) all(ctx context.Context, t time.Time) error {
	for _, w := range p.watches {
		if err := await(ctx, func() bool { _, ok := w.since(t); return ok }); err != nil {
			return fmt.Errorf("nobody answers about %s, which lives on %s: %w", w.project, w.home.name, err)
		}
	}
	return nil
}
