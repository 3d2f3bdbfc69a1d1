package cluster

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

const (
	greetEvery = 100 * time.Millisecond // until the member answers
	greetTime  = time.Second            // for one answer
	metWithin  = 2 * time.Second        // then it is said that a member does not answer
)

// Meetings find out whom of the members this node can call. Who has the gossip's
// key is a member; to own entities it must have answered a call too. That takes a
// connection in each direction, and so two certificates that are good to the
// other end: who cannot be met here does not meet this node either.
//
// A goroutine for each member that has not answered yet greets it. They end with
// the member, and at Stop.
type Meetings struct {
	caller *Caller
	told   func(View)
	log    *slog.Logger

	mu      sync.Mutex
	view    View                          // of the gossip
	met     map[string]bool               // by incarnation, of those in the view
	greeted map[string]context.CancelFunc // by incarnation: is being greeted
	early   map[string]bool               // by incarnation: has answered that its gate is not open
	all     chan struct{}                 // closed when everybody has answered
	once    sync.Once                     // closes it
	stopped bool
	running sync.WaitGroup
}

// NewMeetings makes those of a node. The views that told is called with, one
// after another, say who is unmet; the Caller must have them. It must not block.
func NewMeetings(c *Caller, told func(View), log *slog.Logger) *Meetings {
	return &Meetings{caller: c, told: told, log: log, met: map[string]bool{}, early: map[string]bool{}, greeted: map[string]context.CancelFunc{}, all: make(chan struct{})}
}

// Changed takes the gossip's view. One who comes back is greeted anew: the
// network between may be another.
func (m *Meetings) Changed(v View) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.view = v
	there := map[string]bool{}
	for _, n := range v.Nodes {
		there[incarnation(n)] = true
	}
	for life, cancel := range m.greeted {
		if !there[life] {
			cancel()
			delete(m.greeted, life)
		}
	}
	gone := func(life string, _ bool) bool { return !there[life] }
	maps.DeleteFunc(m.met, gone)
	maps.DeleteFunc(m.early, gone)
	m.tell() // first, so that the Caller knows whom it is to greet
	for _, n := range v.Nodes {
		if life := incarnation(n); n.Name != v.Self && !m.met[life] && m.greeted[life] == nil && !m.stopped {
			ctx, cancel := context.WithCancel(context.Background())
			m.greeted[life] = cancel
			m.running.Go(func() { m.greet(ctx, n) })
		}
	}
}

// tell tells the view with who is unmet.
func (m *Meetings) tell() { // under mu
	v := View{Self: m.view.Self, Nodes: slices.Clone(m.view.Nodes)}
	silent := false
	for i := range v.Nodes {
		n := &v.Nodes[i]
		life := incarnation(*n)
		n.Unmet = n.Name != v.Self && !m.met[life]
		silent = silent || n.Unmet && !m.early[life]
	}
	m.told(v)
	if !silent {
		m.once.Do(func() { close(m.all) })
	}
}

// greet calls a member until it answers.
func (m *Meetings) greet(ctx context.Context, n Node) {
	began, said := time.Now(), false
	tick := time.NewTicker(greetEvery)
	defer tick.Stop()
	for {
		err := m.caller.greet(ctx, n)
		if err == nil {
			break
		}
		if errors.Is(err, errNotYet) {
			m.tooEarly(ctx, n)
		}
		if !said && time.Since(began) > metWithin {
			said = true
			m.log.Warn("a member of the cluster cannot be called: nothing is placed there", "peer", n.Name, "address", n.Address, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return // it is not in the view any more
	}
	if said {
		m.log.Info("a member of the cluster can be called now", "peer", n.Name)
	}
	life := incarnation(n)
	m.greeted[life]()
	delete(m.greeted, life)
	m.met[life] = true
	m.tell()
}

// tooEarly notes that a member can be called, and not yet for anything.
func (m *Meetings) tooEarly(ctx context.Context, n Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if life := incarnation(n); ctx.Err() == nil && !m.early[life] {
		m.early[life] = true
		m.tell()
	}
}

// Wait returns once all members have answered, or after as long as it takes to see
// who does not. Those who start at the same time do not wait for each other.
func (m *Meetings) Wait(ctx context.Context) {
	late := time.NewTimer(metWithin)
	defer late.Stop()
	select {
	case <-m.all:
	case <-late.C:
	case <-ctx.Done():
	}
}

// Stop greets nobody any more. It is called after the gossip has ended.
func (m *Meetings) Stop() {
	m.mu.Lock()
	m.stopped = true
	for _, cancel := range m.greeted {
		cancel()
	}
	m.mu.Unlock()
	m.running.Wait()
}

// greet returns nil when the node has answered and its gate is open, and else why
// not.
func (c *Caller) greet(ctx context.Context, n Node) error {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	m, err := c.transport.exchange(ctx, n, func(number uint64) proto.Message { return &messages.Count{Call: number} })
	if refusal, ok := m.(*messages.Error); ok {
		return refusal
	}
	if trouble := c.transport.calls.peer(n.Address).trouble.Load(); err != nil && trouble != nil {
		return trouble.error
	}
	return err
}
