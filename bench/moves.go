package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Targets, in ms.
const (
	moveTarget  = 1000
	stallTarget = 250
)

// moves lets a node join two that hold many entities, and then drains one of them:
// the clients of some are watched for how long they are without an answer.
func (r *rig) moves(ctx context.Context, o options) (findings, error) {
	var found findings
	ctx, cancel := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	f, err := r.fleet(ctx, "moves", 3)
	if err != nil {
		return found, err
	}
	defer f.close()
	first, third := f.nodes[:2], f.nodes[2]
	if err := f.launch(ctx, first, first...); err != nil {
		return found, err
	}
	if err := f.populate(ctx, 1, watched); err != nil {
		return found, err
	}
	if err := f.fill(ctx, o.entities, first); err != nil {
		return found, err
	}
	p := f.watch(ctx, &clients)
	p.failing.Store(third) // it does not answer yet
	if err := p.all(ctx, time.Now()); err != nil {
		return found, err
	}
	join, err := p.move(ctx, "join", func() error { return f.launch(ctx, []*node{third}, f.nodes...) }, func() bool {
		return f.held(first...) < int64(float64(o.entities)*0.7)
	})
	if err != nil {
		return found, err
	}
	if err := f.fill(ctx, o.entities, f.nodes); err != nil { // what has moved is live again
		return found, err
	}
	drained := f.nodes[1]
	p.failing.Store(drained)
	if err := p.all(ctx, time.Now()); err != nil {
		return found, err
	}
	drain, err := p.move(ctx, "drain", drained.drain, func() bool { return f.held(drained) == 0 })
	found.figures = append(join, drain...)
	return found, err
}

// fill makes so many projects in the database, unless they are there, and reads
// each of them once through the nodes, so that it is live.
func (f *fleet) fill(ctx context.Context, entities int, through []*node) error {
	err := f.rig.seed(ctx, f.database, `INSERT INTO projects (id, name, owner_id, settings) SELECT `+numbered("n")+`, 'Idle ' || n, $2,
		'{"public":false,"max_collaborators":20,"allow_comments":true}' FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`, entities, f.people[0].id)
	if err != nil {
		return err
	}
	var next atomic.Int64
	l := load{addresses(through), touchers, func(int) client {
		return client{next: func(q *fasthttp.Request) {
			fill(q, "GET", "/api/v1/projects/"+number(1+int(next.Add(1)-1)%entities), f.people[0].token)
		}}
	}}
	for next.Load() < int64(entities) {
		if _, err := l.run(ctx, span{0, time.Second}, func() error { return nil }); err != nil {
			return err
		}
		progress("cluster/moves: %d of %d projects are live", min(next.Load(), int64(entities)), entities)
	}
	return nil
}

// held is how many entities nodes hold together.
func (f *fleet) held(nodes ...*node) (total int64) {
	for _, n := range nodes {
		live, err := n.live()
		if err != nil {
			return 1 << 62 // asked again
		}
		total += live
	}
	return total
}

// move begins a change, waits until it is over, and tells how long clients were
// without an answer meanwhile.
func (p *post) move(ctx context.Context, what string, begin func() error, over func() bool) ([]figure, error) {
	for _, w := range p.watches {
		w.reset()
	}
	began := time.Now()
	if err := begin(); err != nil {
		return nil, err
	}
	if err := await(ctx, over); err != nil {
		return nil, fmt.Errorf("%s: entities do not move: %w", what, err)
	}
	took := time.Since(began)
	if err := p.all(ctx, time.Now()); err != nil {
		return nil, err
	}
	var gaps []float64
	for _, w := range p.watches {
		gap, _ := w.since(began)
		gaps = append(gaps, gap.Seconds()*1e3)
	}
	return []figure{
		{Name: what + ", until all of it is handed over", Value: took.Seconds() * 1e3, Unit: "ms", Target: upTo(moveTarget)},
		{Name: fmt.Sprintf("%s, longest time of a client without an answer (it asks every %d ms)", what, watchEvery.Milliseconds()),
			Value: quantile(gaps, 1), Unit: "ms", Target: upTo(stallTarget)},
		{Name: what + ", median of the clients", Value: median(gaps), Unit: "ms"},
	}, nil
}
