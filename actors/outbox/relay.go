package outbox

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config bounds a Relay.
type Config struct {
	Node     string // stable name of this node
	Broker   bool   // others than this process get the events
	Lanes    int    // batches under way at one time
	Batch    int    // events confirmed together
	PerShard int    // events of one shard that are read together
	AtOnce   int    // events that a lane reads together

	Wanted string // beginning of the streams that are published; empty: all are. The rest is discarded

	Refusals int // after so many of one event, which take two minutes by default, its stream is parked

	TTL    time.Duration // of leases
	Renew  time.Duration // how often they are prolonged
	Margin time.Duration // before the end of a lease nothing is sent under it any more

	// A lane that finds nothing looks again after PollMin, and then less and less
	// often until PollMax. A hint has it look at once.
	PollMin, PollMax time.Duration

	QueryTimeout time.Duration // of the database
}

// DefaultConfig is for a broker, and events that other nodes commit too.
func DefaultConfig(node string) Config {
	return Config{
		Node: node, Broker: true, Lanes: 4, Batch: 128, PerShard: 256, AtOnce: 1024, Refusals: 12,
		TTL: 4 * time.Second, Renew: time.Second, Margin: 500 * time.Millisecond,
		PollMin: 25 * time.Millisecond, PollMax: 500 * time.Millisecond, QueryTimeout: 5 * time.Second,
	}
}

// LocalConfig is for consumers within the process, or none: nobody waits for more
// than a look each second, of which each may cost a flush that commits wait for.
func LocalConfig(node string) Config {
	c := DefaultConfig(node)
	c.Broker, c.Lanes, c.PollMin, c.PollMax = false, 1, time.Second, time.Second
	return c
}

// Relay sends what is in the outbox. Without a publisher nobody wants the events
// and they are discarded.
type Relay struct {
	config    Config
	source    Source
	publisher Publisher
	meter     Meter
	log       *slog.Logger
	lanes     []*lane
	leases    leases
	away      away
	backlog   atomic.Pointer[Backlog]

	halt func() // no further batch
	kill func() // nor the one under way
	done sync.WaitGroup
}

// New makes a Relay. A nil publisher discards.
func New(c Config, s Source, p Publisher, m Meter, log *slog.Logger) *Relay {
	r := &Relay{config: c, source: s, publisher: p, meter: m, log: log}
	r.leases.lanes = c.Lanes
	for i := range c.Lanes {
		r.lanes = append(r.lanes, newLane(r, i))
	}
	return r
}

// Start begins to send, until Stop. It waits until the database knows what is wanted,
// since what nobody wants may not be kept, and not for the broker. Values of ctx are
// kept, its end is not.
func (r *Relay) Start(ctx context.Context) {
	if r.halt != nil {
		return
	}
	ctx, r.kill = context.WithCancel(context.WithoutCancel(ctx))
	loop, halt := context.WithCancel(ctx)
	r.halt = halt
	r.renew(loop)
	r.done.Go(func() { r.keep(loop) })
	for _, l := range r.lanes {
		r.done.Go(func() { l.run(loop, ctx) })
	}
}

// lastBatch is how long batches under way have to end when the Relay stops.
const lastBatch = 3 * time.Second

// Stop lets the batches under way end, gives the leases back and closes the
// publisher. What was published and not marked will be sent again.
func (r *Relay) Stop(ctx context.Context) error {
	if r.halt == nil {
		return nil
	}
	r.halt()
	hard := time.AfterFunc(lastBatch, r.kill)
	r.done.Wait()
	hard.Stop()
	r.kill()
	r.halt = nil
	if r.publisher != nil {
		r.publisher.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := r.source.GiveBack(ctx, r.config.Node, r.leases.drop(), true); err != nil {
		r.log.Debug("the shards of the outbox were not given back; their leases run out", "error", err)
	}
	return nil
}

// Hint says that a stream has grown. It never blocks.
func (r *Relay) Hint(stream string) {
	select {
	case r.lanes[ShardOf(stream)%len(r.lanes)].hint <- struct{}{}:
	default:
	}
}

// Status is what a relay tells of itself.
type Status struct {
	Shards  int           // that this node has
	Away    time.Duration // since when nothing could be sent; 0: it can
	Reason  string        // of that
	Backlog Backlog       // of these shards, some seconds old
}

// Status of this node's relay.
func (r *Relay) Status() Status {
	s := Status{Shards: r.leases.count()}
	s.Away, s.Reason = r.away.since()
	if b := r.backlog.Load(); b != nil {
		s.Backlog = *b
	}
	return s
}

// looksPerCount is how many renewals come to one count of the backlog.
const looksPerCount = 5

// keep prolongs the leases, and gives back what is too much.
func (r *Relay) keep(ctx context.Context) {
	tick := time.NewTicker(r.config.Renew)
	defer tick.Stop()
	for look := 0; ; look++ {
		if look%looksPerCount == 0 {
			r.count(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.renew(ctx)
	}
}

// wanted is the beginning of the streams that are published; nil: none is.
func (r *Relay) wanted() *string {
	if r.publisher == nil {
		return nil
	}
	return &r.config.Wanted
}

func (r *Relay) renew(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, r.config.Renew+r.config.TTL/4)
	defer cancel()
	if free := r.leases.free(); len(free) > 0 {
		if err := r.source.GiveBack(within, r.config.Node, free, false); err != nil && ctx.Err() == nil {
			r.log.Debug("shards of the outbox were not given back; their leases run out", "error", err)
		}
	}
	asked := time.Now()
	held, share, err := r.source.Lease(within, r.config.Node, r.config.TTL, r.config.Broker, r.wanted())
	if err != nil {
		if ctx.Err() == nil {
			r.log.Debug("the leases of the outbox were not renewed", "error", err)
		}
		return
	}
	if r.leases.set(held, share, asked.Add(r.config.TTL-r.config.Margin)) {
		for _, l := range r.lanes {
			l.look()
		}
	}
}

func (r *Relay) count(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, r.config.QueryTimeout)
	defer cancel()
	b, err := r.source.Backlog(within, r.leases.all())
	if err != nil {
		if ctx.Err() == nil {
			r.log.Debug("the outbox was not counted", "error", err)
		}
		return
	}
	r.backlog.Store(&b)
}

// failed notes that nothing can be sent; the first time it is logged.
func (r *Relay) failed(err error) {
	if r.away.begin(err) {
		r.log.Warn("events cannot be sent now; they wait in the outbox", "error", err)
	}
}

// succeeded has all lanes try again, where they were waiting.
func (r *Relay) succeeded() {
	if took, was := r.away.end(); was {
		r.log.Info("events are sent again", "after", took.Round(time.Millisecond))
		for _, l := range r.lanes {
			l.goOn()
		}
	}
}
