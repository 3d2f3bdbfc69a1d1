package limit

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// Store is where nodes count together. It may be slow, go away and come back empty.
type Store interface {
	// Take is Memory's, at the store's own time, which it says. The times more are
	// first added to the caller's log.
	Take(ctx context.Context, budget, caller string, limits []messages.Limit, more []int64) (v messages.Verdict, at int64, err error)
	// Add adds times to the caller's log.
	Add(ctx context.Context, budget, caller string, limits []messages.Limit, more []int64) error
	// Generation is another one whenever the store has lost what it had. Fresh is
	// for one that has none.
	Generation(ctx context.Context, fresh string) (string, error)
}

// Common is this node's part in the counting together of all nodes.
//
// While the store answers, every request is put to it, and noted here too. With the first
// that it does not answer the node counts alone: it lets its share of the limits
// through, of which it has used what it has let through before, together or alone. All
// that the store has not been told is owed to it. When it answers again it is told,
// and a while later, when the other nodes have done the same, all count together again. A
// store that has come back empty is owed everything.
//
// So a caller gets no more than the limit, but for this: in the window in which the
// store was lost he may come to nodes that he has not used before, and have their shares
// beside what he has had already.
type Common struct {
	store   Store
	fresh   string
	budgets []*Budget
	log     *slog.Logger
	open    atomic.Bool  // the nodes count together; written by Run and by requests that fail
	ahead   atomic.Int64 // of the store's clock to this node's, in milliseconds
	lost    atomic.Int64 // how often the store was lost

	generation string // belongs to Run
	looks      int    // belongs to Run
	good       int    // looks since it answers again; belongs to Run
}

const (
	lookEvery = 100 * time.Millisecond
	settled   = 5  // looks: the time that others have to tell the store what it is owed
	tellers   = 64 // callers that it is told of at one time
)

// NewCommon makes the budgets ones that nodes use together. Fresh is a name that
// nobody else has. Run must run.
func NewCommon(store Store, fresh string, log *slog.Logger, budgets ...*Budget) *Common {
	c := &Common{store: store, fresh: fresh, budgets: budgets, log: log}
	for _, b := range budgets {
		b.common = c
	}
	return c
}

// Together reports whether the nodes count together.
func (c *Common) Together() bool { return c.open.Load() }

// Lost is how often the store was lost.
func (c *Common) Lost() int64 { return c.lost.Load() }

// take puts a request to the store; false: it did not answer.
func (c *Common) take(ctx context.Context, b *Budget, caller string) (messages.Verdict, bool) {
	owed := b.memory.Claim(caller)
	v, at, err := c.store.Take(ctx, b.name, caller, b.limits, owed)
	if err != nil {
		b.memory.Owe(caller, len(owed))
		if ctx.Err() == nil {
			c.lose(err)
		}
		return v, false
	}
	if ahead := at - (b.clock() - c.ahead.Load()); ahead != c.ahead.Load() {
		c.ahead.Store(ahead)
	}
	if v.Wait == 0 {
		b.memory.Record(at, caller)
	}
	return v, true
}

func (c *Common) lose(err error) {
	if c.open.CompareAndSwap(true, false) {
		c.lost.Add(1)
		c.log.Warn("the store of the limits does not answer: each node counts its share alone", "error", err)
	}
}

// Run looks after the store until the context ends.
func (c *Common) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		c.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look finds out whether the store answers, and still has what it had.
func (c *Common) look(ctx context.Context) {
	c.looks++
	generation, err := c.store.Generation(ctx, c.fresh+"-"+strconv.Itoa(c.looks))
	if err != nil {
		if c.good = 0; ctx.Err() == nil {
			c.lose(err)
		}
		return
	}
	first := c.generation == ""
	if generation != c.generation && !first {
		if c.open.CompareAndSwap(true, false) {
			c.lost.Add(1)
			c.log.Warn("the store of the limits has come back empty: each node counts its share alone until it is told again")
		}
		for _, b := range c.budgets {
			b.memory.OweAll()
		}
		c.good = 0
	}
	if c.generation = generation; c.open.Load() {
		return
	}
	if !c.tell(ctx) {
		c.good = 0
		return
	}
	if c.good++; first || c.good >= settled {
		c.good = 0
		c.open.Store(true)
		c.log.Info("all nodes count callers' requests together")
	}
}

// tell tells the store what it is owed.
func (c *Common) tell(ctx context.Context) (all bool) {
	var failed atomic.Bool
	for _, b := range c.budgets {
		owing := b.memory.Owing()
		if len(owing) == 0 {
			continue
		}
		callers := make(chan string)
		var telling sync.WaitGroup
		for range min(tellers, len(owing)) {
			telling.Go(func() {
				for caller := range callers {
					if failed.Load() {
						continue // it is owed on
					}
					if owed := b.memory.Claim(caller); c.store.Add(ctx, b.name, caller, b.limits, owed) != nil {
						b.memory.Owe(caller, len(owed))
						failed.Store(true)
					}
				}
			})
		}
		for _, caller := range owing {
			callers <- caller
		}
		close(callers)
		telling.Wait()
	}
	return !failed.Load()
}
