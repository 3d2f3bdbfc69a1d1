package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// LeaseStore keeps the leases. Times are the database's.
type LeaseStore interface {
	// Acquire begins a new incarnation of the node. It is not exclusive yet.
	Acquire(ctx context.Context, name, cluster, address string, ttl time.Duration) (incarnation int64, now time.Time, err error)
	// Renew prolongs the lease. With exclusive it asks that other nodes be
	// refused what this one holds: granted where no live node outside the
	// cluster exists, and kept until it is given up by a renewal without it.
	// others reports whether there is such a node. A lease that was buried or
	// replaced, or struck, is refused with messages.CodeMoved.
	Renew(ctx context.Context, name string, incarnation int64, ttl time.Duration, exclusive bool) (now time.Time, others, granted bool, err error)
	// Leave ends the lease at once.
	Leave(ctx context.Context, name string, incarnation int64) error
	// Strike has further renewals of the incarnation refused.
	Strike(ctx context.Context, name string, incarnation int64) error
	// Live lists the nodes of the cluster whose lease has neither ended nor run
	// out.
	Live(ctx context.Context, cluster string) ([]messages.LeasedNode, error)
}

// LeaseConfig names a node and times its lease.
type LeaseConfig struct {
	Node    string        // stable over restarts
	Cluster string        // nodes of one cluster can ask each other for entities; empty: alone
	TTL     time.Duration // of the lease
	Margin  time.Duration // trusted for TTL − Margin after the renewal was sent
	Every   time.Duration // between renewals
	Timeout time.Duration // of one renewal

	// Address is where others reach the node; nil: nowhere. It is asked when an
	// incarnation begins: the transport knows it once it has started.
	Address func() string

	// View is whom of the cluster this node sees, and whom it reaches: all but the
	// unmet. nil: it reaches all. It does not block.
	View func() View
}

// DefaultLeaseConfig is for nodes in one data centre.
func DefaultLeaseConfig(node string) LeaseConfig {
	return LeaseConfig{Node: node, TTL: 3 * time.Second, Margin: 500 * time.Millisecond, Every: time.Second, Timeout: time.Second}
}

// Lease is a node's lease, kept alive between Start and Stop.
type Lease struct {
	config LeaseConfig
	store  LeaseStore
	log    *slog.Logger
	lost   func() // forget what the last incarnation held

	start   time.Time     // zero of the monotonic readings below
	until   atomic.Int64  // monotonic ns: trusted before that; written by the loop
	wall    atomic.Int64  // the same on the wall clock, ns since the epoch; written by the loop
	offset  atomic.Int64  // ns from the local clock to the database's; written by the loop
	era     atomic.Int64  // raised whenever exclusivity begins; written by the loop
	alone   atomic.Bool   // exclusivity was granted and is still wanted; written by the loop
	held    atomic.Bool   // the current incarnation has not been found lost; written by the loop
	losses  atomic.Int64  // incarnations that lapsed; written by the loop
	strikes atomic.Int64  // leases struck; written by the loop
	quit    chan struct{} // closed by Stop

	incarnation int64 // belongs to the loop
	yield       bool  // another process was seen: exclusivity is not asked for; belongs to the loop
	weak        bool  // on the weak side of a split, or not judged yet: neither; belongs to the loop
	learnt      bool  // there is an offset; belongs to the loop
	sight       sight // belongs to the loop
	running     sync.WaitGroup
	stop        sync.Once
}

// NewLease makes a lease that is not held yet. When an incarnation is lost,
// lost is called before the next one begins.
func NewLease(config LeaseConfig, store LeaseStore, lost func(), log *slog.Logger) *Lease {
	l := &Lease{config: config, store: store, lost: lost, log: log, start: time.Now(), quit: make(chan struct{})}
	l.unjudged()
	return l
}

// Start acquires the lease and keeps it alive until Stop.
func (l *Lease) Start(ctx context.Context) error {
	if err := l.acquire(ctx); err != nil {
		return err
	}
	l.renew(ctx) // exclusive at once where nobody else is about
	l.running.Go(l.loop)
	return nil
}

// Stop ends the renewals and gives the lease back. It may be called again.
func (l *Lease) Stop(ctx context.Context) error {
	var err error
	l.stop.Do(func() {
		close(l.quit)
		l.running.Wait()
		l.until.Store(0)
		err = l.store.Leave(ctx, l.config.Node, l.incarnation)
	})
	return err
}

// Now is database time, by the offset that agrees with the renewals so far. It goes by the
// monotonic clock: the wall clock may be set while the node runs. After the machine was
// suspended it is behind until the next renewal; Held and Trust say no until then.
func (l *Lease) Now() time.Time {
	return l.start.Add(time.Since(l.start) + time.Duration(l.offset.Load()))
}

// Held reports whether the lease holds, by this node's own clocks. The monotonic
// one stands still while the machine is suspended, the wall clock may step: both
// must agree.
func (l *Lease) Held() bool {
	now := time.Now()
	return int64(now.Sub(l.start)) < l.until.Load() && now.UnixNano() < l.wall.Load()
}

// Trust reports whether what was claimed in the returned era may be shown
// without asking the database.
func (l *Lease) Trust() (era int64, ok bool) {
	ok = unleased || l.alone.Load() && l.Held()
	return l.era.Load(), ok // the era last: the loop writes it first
}

func (l *Lease) sinceStart() int64 { return int64(time.Since(l.start)) }

func (l *Lease) loop() {
	tick := time.NewTicker(l.config.Every)
	defer tick.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), l.config.Timeout)
		if l.held.Load() && l.Held() {
			l.renew(ctx)
		} else {
			l.replace(ctx)
		}
		cancel()
	}
}

// replace begins a new incarnation after the last one was lost. What that one
// held is forgotten first.
func (l *Lease) replace(ctx context.Context) {
	l.alone.Store(false)
	if l.held.Swap(false) && !unleased {
		l.losses.Add(1)
		l.log.Warn("the node's lease has lapsed: its entities start anew", "node", l.config.Node)
		l.lost()
	}
	l.unjudged()
	if err := l.acquire(ctx); err != nil {
		l.log.Warn("the node's lease cannot be acquired", "node", l.config.Node, "error", err)
		return
	}
	if l.clustered() {
		l.prolong(ctx) // whoever struck the last one can take its rows until the next renewal
		return
	}
	l.renew(ctx)
}

func (l *Lease) clustered() bool { return l.config.Cluster != "" }

// unjudged lets the incarnation that begins be exclusive in a cluster only after
// it has seen which side it is on.
func (l *Lease) unjudged() { l.weak, l.sight = l.clustered(), sight{} }

func (l *Lease) acquire(ctx context.Context) error {
	address := ""
	if l.config.Address != nil {
		address = l.config.Address()
	}
	sent := l.sinceStart()
	incarnation, now, err := l.store.Acquire(ctx, l.config.Node, l.config.Cluster, address, l.config.TTL)
	if err != nil {
		return err
	}
	l.incarnation = incarnation
	l.measure(sent, now)
	l.held.Store(true)
	return nil
}

// renew prolongs the lease. Exclusivity is given up here first and in the
// database after, so that nobody takes a row that this node would still show;
// it is used here only after the database has granted it.
func (l *Lease) renew(ctx context.Context) {
	asked := l.exclusive()
	if !l.prolong(ctx) {
		return
	}
	if l.yield && l.alone.Load() {
		l.log.Info("another process works on this database: answers are now verified there", "node", l.config.Node)
	}
	l.judge(ctx)
	exclusive := l.exclusive()
	givenUp := !exclusive && l.alone.Swap(false)
	if givenUp || exclusive && !asked && l.clustered() {
		l.prolong(ctx)
	}
}

// exclusive reports whether the node wants others to be refused what it holds.
func (l *Lease) exclusive() bool { return !l.yield && !l.weak }

// judge finds out which side of the cluster this node is on, if it is split, and
// on the strong one strikes those who can no longer be asked. Without an answer
// things stay as they were.
func (l *Lease) judge(ctx context.Context) {
	if !l.clustered() {
		return
	}
	live, err := l.store.Live(ctx, l.config.Cluster)
	if err != nil {
		l.log.Warn("the leases of the cluster are not known", "node", l.config.Node, "error", err)
		return
	}
	sees := func(string) (seen, reached bool) { return true, true }
	if l.config.View != nil {
		v := l.config.View()
		sees = func(name string) (seen, reached bool) {
			n, seen := v.Node(name)
			return seen, seen && !n.Unmet
		}
	}
	strong, strike := l.sight.judge(time.Since(l.start), l.config.Node, live, sees)
	if !strong && l.alone.Load() {
		l.log.Warn("this node reaches the lesser part of its cluster: answers are now verified in the database", "node", l.config.Node)
	}
	l.weak = !strong
	for _, n := range strike {
		l.log.Warn("a node is not seen: its lease will not be renewed", "node", n.Name, "incarnation", n.Incarnation)
		if err := l.store.Strike(ctx, n.Name, n.Incarnation); err != nil {
			l.log.Warn("a lease was not struck", "node", n.Name, "error", err)
		} else {
			l.strikes.Add(1)
		}
	}
}

func (l *Lease) prolong(ctx context.Context) (ok bool) {
	sent := l.sinceStart()
	now, others, granted, err := l.store.Renew(ctx, l.config.Node, l.incarnation, l.config.TTL, l.exclusive())
	switch {
	case messages.HasCode(err, messages.CodeMoved):
		l.until.Store(0) // the loop replaces it
		return false
	case err != nil:
		l.log.Warn("the node's lease was not renewed", "node", l.config.Node, "error", err)
		return false
	}
	if !l.Held() { // it had lapsed here, and for the others too perhaps: they told it no revocation
		l.alone.Store(false)
		l.era.Add(1)
	}
	l.measure(sent, now)
	l.yield = others
	if granted && !others && !l.alone.Load() {
		l.era.Add(1)
		l.alone.Store(true)
	}
	return true
}

func (l *Lease) measure(sent int64, now time.Time) {
	trust := int64(l.config.TTL - l.config.Margin)
	received := l.sinceStart()
	l.wall.Store(time.Now().UnixNano() - (received - sent) + trust)
	l.until.Store(sent + trust)
	l.learn(sent, received, int64(now.Sub(l.start)))
}

// learn takes what the database's clock said at some time between two local ones, all
// since the start. What is known stays where it agrees with that, so that a slow answer
// does not blur it: two nodes that write one after the other should not be out of order.
func (l *Lease) learn(sent, received, said int64) {
	offset := said - (sent+received)/2
	if l.learnt {
		offset = min(max(l.offset.Load(), said-received), said-sent)
	}
	l.learnt = true
	l.offset.Store(offset)
}
