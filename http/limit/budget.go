package limit

import (
	"context"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// Budget is what each caller of one kind may use.
type Budget struct {
	name   string
	limits []messages.Limit
	memory *Memory
	nodes  func() int
	now    func() time.Time
	born   time.Time
	common *Common               // nil: this node counts alone
	shared atomic.Pointer[share] // the last that was asked for
}

// share is a node's part of the limits.
type share struct {
	nodes  int
	limits []messages.Limit
}

// NewBudget makes a budget of a node that counts alone. The nodes of a cluster then
// have equal shares of it: a caller may use all nodes, and must not get the limit from
// each. nodes is how many there are now, and now a clock that does not jump.
func NewBudget(name string, limits []messages.Limit, callers int, nodes func() int, now func() time.Time) *Budget {
	if len(limits) == 0 || len(limits) > messages.MaxLimits {
		panic("limit: a budget has one or two limits")
	}
	return &Budget{name: name, limits: limits, memory: NewMemory(limits, callers), nodes: nodes, now: now, born: now()}
}

// Limits are those of a caller, over all nodes.
func (b *Budget) Limits() []messages.Limit { return b.limits }

// Callers is how many are remembered one by one.
func (b *Budget) Callers() int { return b.memory.Callers() }

// Take lets a request of the caller's through, or says when to come again. It
// never fails: where the nodes do not count together, each has its share.
func (b *Budget) Take(ctx context.Context, caller string) messages.Verdict {
	if c := b.common; c != nil && c.open.Load() {
		if v, ok := c.take(ctx, b, caller); ok {
			return v
		}
	}
	return b.memory.Take(b.clock(), caller, b.share())
}

// clock is the time in milliseconds: the common clock's where there is one.
func (b *Budget) clock() int64 {
	now := b.born.UnixMilli() + b.now().Sub(b.born).Milliseconds()
	if b.common != nil {
		now += b.common.ahead.Load()
	}
	return now
}

// share is this node's part of the limits.
func (b *Budget) share() []messages.Limit {
	nodes := max(1, b.nodes())
	if nodes == 1 {
		return b.limits
	}
	if last := b.shared.Load(); last != nil && last.nodes == nodes {
		return last.limits
	}
	next := &share{nodes: nodes, limits: make([]messages.Limit, len(b.limits))}
	for i, l := range b.limits {
		next.limits[i] = messages.Limit{Name: l.Name, Most: max(1, l.Most/nodes), Window: l.Window}
	}
	b.shared.Store(next)
	return next.limits
}
