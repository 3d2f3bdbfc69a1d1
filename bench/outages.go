package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	posts       = 3  // clusters of three that lose nodes at the same time
	watched     = 24 // projects of each
	frozenFor   = 6 * time.Second
	renewal     = time.Second
	gapTarget   = 5000 // ms
	freezesEach = 3
)

// outage is a way to lose a node, and to have it back.
type outage struct {
	strike func(*node)
	lasts  time.Duration // at least
	mend   func(context.Context, *post, *node) error
}

// gaps are how long clients were without an answer, in ms.
type gaps struct{ reads, writes, elsewhere []float64 }

// kills ends nodes with kill -9 and starts them again.
func (r *rig) kills(ctx context.Context, o options) (findings, error) {
	return r.outages(ctx, o.kills, "kills", outage{
		strike: func(n *node) { n.kill() },
		mend:   func(ctx context.Context, p *post, n *node) error { return p.launch(ctx, []*node{n}, p.nodes...) },
	})
}

// freezes stops nodes for longer than their lease lives.
func (r *rig) freezes(ctx context.Context, o options) (findings, error) {
	return r.outages(ctx, min(o.kills, posts*freezesEach), "freezes", outage{
		strike: func(n *node) { n.freeze() }, lasts: frozenFor,
		mend: func(ctx context.Context, p *post, n *node) error {
			n.thaw()
			return p.settle(ctx, p.nodes...)
		},
	})
}

// outages lets clusters lose their nodes, one after another, and measures for how
// long the clients of each project that lived there were without an answer, and
// those of the others.
func (r *rig) outages(ctx context.Context, times int, name string, o outage) (findings, error) {
	ctx, cancel := context.WithCancel(ctx)
	var clients, running sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	found, failures := make([]gaps, posts), make([]error, posts)
	for i := range posts {
		f, err := r.populated(ctx, fmt.Sprintf("%s%d", name, i), 3, 1, watched)
		if err != nil {
			return findings{}, err
		}
		defer f.close()
		p := f.watch(ctx, &clients)
		running.Go(func() {
			for k := i; k < times && failures[i] == nil; k += posts {
				failures[i] = p.lose(ctx, p.nodes[k/posts%len(p.nodes)], o, &found[i])
				if i == 0 {
					progress("cluster/%s: %d of %d", name, k+1, times)
				}
			}
		})
	}
	running.Wait()
	for _, err := range failures {
		if err != nil {
			return findings{}, err
		}
	}
	var all gaps
	for _, g := range found {
		all.reads, all.writes, all.elsewhere = append(all.reads, g.reads...), append(all.writes, g.writes...), append(all.elsewhere, g.elsewhere...)
	}
	return findings{figures: all.figures(times)}, nil
}

// lose loses one node at a moment that has nothing to do with the renewals of its
// lease, and has it back when all are answered again.
func (p *post) lose(ctx context.Context, n *node, o outage, into *gaps) error {
	p.failing.Store(n)
	if err := p.all(ctx, time.Now()); err != nil {
		return err
	}
	time.Sleep(rand.N(renewal))
	for _, w := range p.watches {
		w.reset()
	}
	lost := time.Now()
	o.strike(n)
	if err := p.all(ctx, lost); err != nil {
		return err
	}
	for _, w := range p.watches {
		gap, _ := w.since(lost)
		ms := gap.Seconds() * 1e3
		switch {
		case w.home != n:
			into.elsewhere = append(into.elsewhere, ms)
		case w.writes:
			into.writes = append(into.writes, ms)
		default:
			into.reads = append(into.reads, ms)
		}
	}
	time.Sleep(time.Until(lost.Add(o.lasts)))
	return o.mend(ctx, p, n)
}

func (g gaps) figures(times int) []figure {
	all := slices.Concat(g.reads, g.writes)
	return []figure{
		{Name: fmt.Sprintf("gap of a client, median of %d over %d", len(all), times), Value: median(all), Unit: "ms"},
		{Name: "gap of a client, p99", Value: quantile(all, 0.99), Unit: "ms", Target: upTo(gapTarget)},
		{Name: "gap of a client, longest", Value: quantile(all, 1), Unit: "ms"},
		{Name: "of those who read, p99", Value: quantile(g.reads, 0.99), Unit: "ms"},
		{Name: "of those who write, p99", Value: quantile(g.writes, 0.99), Unit: "ms"},
		{Name: "of clients of the other nodes' entities, p99", Value: quantile(g.elsewhere, 0.99), Unit: "ms"},
	}
}
