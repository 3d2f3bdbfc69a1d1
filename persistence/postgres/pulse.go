package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

// pulse finds out whether the database answers anybody, by connections of its own: those
// for queries may all be in use by what is slow. Those who ask at one time ask once, so
// that many slow questions at a time are no reason to take it for silent.
type pulse struct {
	*pgxpool.Pool

	mu   sync.Mutex
	look *look // under way; nil: none
}

type look struct {
	over   chan struct{}
	silent bool // good once it is over
}

// pulseConnections are several: those that had no answer may still be ending.
const pulseConnections = 4

// silent reports whether the database has not answered for signOfLife, and false when
// ctx has ended before.
func (p *pulse) silent(ctx context.Context) bool {
	p.mu.Lock()
	l := p.look
	if l == nil {
		l = &look{over: make(chan struct{})}
		p.look = l
		go p.take(context.WithoutCancel(ctx), l)
	}
	p.mu.Unlock()
	select {
	case <-l.over:
		return l.silent
	case <-ctx.Done():
		return false
	}
}

func (p *pulse) take(ctx context.Context, l *look) {
	defer close(l.over)
	ctx, cancel := context.WithTimeout(ctx, signOfLife)
	defer cancel()
	l.silent = p.Ping(ctx) != nil && ctx.Err() != nil // a refusal is an answer
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look = nil
}
