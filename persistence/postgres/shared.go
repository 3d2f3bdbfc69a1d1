package postgres

import (
	"context"
	"runtime"
	"sync"
)

// shared answers lookups by key with one query at a time: what is asked for while
// one is under way is asked for together by the next. Nobody joins a query that
// has begun, so that everyone sees what was committed before he asked.
type shared[K comparable, V any] struct {
	load func(ctx context.Context, keys []K) (map[K]V, error)
	turn sync.Mutex // held by the query under way

	mu   sync.Mutex
	next *lookups[K, V] // to be asked next; nil: nobody waits
}

// lookups are those of one query.
type lookups[K comparable, V any] struct {
	keys  []K
	done  chan struct{} // closed when found and err are there
	found map[K]V
	err   error
}

// get returns at least the values of these keys that there are. The map must not
// be changed.
func (s *shared[K, V]) get(ctx context.Context, keys []K) (map[K]V, error) {
	s.mu.Lock()
	first := s.next == nil
	if first {
		s.next = &lookups[K, V]{done: make(chan struct{})}
	}
	l := s.next
	l.keys = append(l.keys, keys...)
	s.mu.Unlock()
	if first {
		go s.ask(context.WithoutCancel(ctx), l)
	}
	select {
	case <-l.done:
		return l.found, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask waits for its turn and runs the query, for all who have joined by then. It
// ends by its own time-out and not with the request of any of them.
func (s *shared[K, V]) ask(ctx context.Context, l *lookups[K, V]) {
	s.turn.Lock()
	defer s.turn.Unlock()
	runtime.Gosched() // whoever is about to ask joins
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	defer close(l.done)
	l.found, l.err = s.load(ctx, l.keys)
}
