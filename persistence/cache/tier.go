package cache

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// Store keeps values for all nodes. It may lose them at any time.
type Store interface {
	// Cached are the values that are kept under these names, of whatever stamp.
	Cached(ctx context.Context, names []string) ([]messages.Cached, error)
	// Cache keeps values for some time, each in the place of the one before.
	Cache(ctx context.Context, values []messages.Cached, keep time.Duration) error
}

// Tier is a store behind memory.
type Tier struct {
	Name    string // in metrics and logs
	Store   Store
	Keep    time.Duration
	Timeout time.Duration // of one question
}

// leftAlone is for how long a tier that failed is not asked.
const leftAlone = time.Second

type tier struct {
	Tier
	log *slog.Logger
	tally

	retry atomic.Int64 // ns since the epoch: not asked before that
	away  atomic.Bool  // it failed when it was asked last
}

// tally counts values that were looked for.
type tally struct{ hits, misses, failures atomic.Int64 }

// open reports whether the tier is to be asked. Of those who come when it was left
// alone for long enough, one tries it.
func (t *tier) open() bool {
	until, now := t.retry.Load(), time.Now().UnixNano()
	return until == 0 || now >= until && t.retry.CompareAndSwap(until, now+int64(leftAlone))
}

// get is what the tier has of the values wanted, which are stamps by name.
func (t *tier) get(ctx context.Context, wanted map[string]string) (found []messages.Cached) {
	defer func() {
		t.hits.Add(int64(len(found)))
		t.misses.Add(int64(len(wanted) - len(found)))
	}()
	if !t.open() {
		return nil
	}
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	within, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	values, err := t.Store.Cached(within, names)
	if t.told(ctx, err); err != nil {
		return nil
	}
	for _, v := range values {
		if stamp, is := wanted[v.Name]; is && stamp == v.Stamp {
			found = append(found, v)
		}
	}
	return found
}

func (t *tier) put(ctx context.Context, values []messages.Cached) {
	if len(values) == 0 || !t.open() {
		return
	}
	within, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	t.told(ctx, t.Store.Cache(within, values, t.Keep))
}

// told notes how a question ended. What its asker has given up says nothing.
func (t *tier) told(ctx context.Context, err error) {
	switch {
	case err == nil:
		t.retry.Store(0)
		if t.away.Swap(false) {
			t.log.Info("a cache answers again", "tier", t.Name)
		}
	case ctx.Err() == nil:
		t.failures.Add(1)
		t.retry.Store(time.Now().Add(leftAlone).UnixNano())
		if !t.away.Swap(true) {
			t.log.Warn("a cache does not answer; what it keeps is worked out anew", "tier", t.Name, "error", err)
		}
	}
}
