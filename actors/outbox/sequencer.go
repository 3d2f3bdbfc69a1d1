package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Numberer gives committed events their place in the feed of all streams.
type Numberer interface {
	// Number numbers events that have no number, at most limit of them, unless
	// another node does. It tells whether this one leads, for ttl.
	Number(ctx context.Context, node string, ttl time.Duration, limit int) (numbered int, leads bool, err error)
}

// Sequencer has committed events numbered, by one node at a time. Ids and times are
// taken before a commit and so give no order that readers could follow: an earlier
// one may appear behind them.
type Sequencer struct {
	config Config
	source Numberer
	log    *slog.Logger
	hint   chan struct{}
	halt   func()
	done   sync.WaitGroup
}

// NewSequencer makes a Sequencer. Of the Config it takes the node, the lease and how
// often to look.
func NewSequencer(c Config, s Numberer, log *slog.Logger) *Sequencer {
	return &Sequencer{config: c, source: s, log: log, hint: make(chan struct{}, 1)}
}

// Start begins to number, until Stop.
func (s *Sequencer) Start(ctx context.Context) {
	if s.halt != nil {
		return
	}
	ctx, s.halt = context.WithCancel(context.WithoutCancel(ctx))
	s.done.Go(func() { s.run(ctx) })
}

// Stop ends it. The lease runs out by itself.
func (s *Sequencer) Stop(context.Context) error {
	if s.halt != nil {
		s.halt()
		s.done.Wait()
		s.halt = nil
	}
	return nil
}

// Hint says that something was committed. It never blocks.
func (s *Sequencer) Hint() { poke(s.hint) }

// numberedAtOnce is how many events are numbered in one transaction.
const numberedAtOnce = 1000

// pace is how long a sequencer that has numbered something leaves the rest to come
// together. Each time costs a flush of the database's log, for which commits would
// wait: a feed that is a twentieth of a second behind costs them nothing.
const pace = 50 * time.Millisecond

// run looks sooner while it finds something. A node that does not lead looks once in
// a lease whether it may.
func (s *Sequencer) run(ctx context.Context) {
	poll, away := s.config.PollMin, false
	for {
		n, leads, err := s.number(ctx)
		wait, hint := poll, s.hint
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait, hint = s.config.PollMax, nil
			if !away {
				s.log.Warn("events are not numbered now; those that are not in the feed will be", "error", err)
			}
		case n == numberedAtOnce:
			continue
		case n > 0:
			poll = s.config.PollMin
			wait, hint = pace, nil
		case leads:
			poll = min(2*poll, s.config.PollMax)
		default:
			wait, hint = s.config.TTL/2, nil
		}
		away = err != nil
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-hint:
			poll = s.config.PollMin
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Sequencer) number(ctx context.Context) (n int, leads bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.QueryTimeout)
	defer cancel()
	return s.source.Number(ctx, s.config.Node, s.config.TTL, numberedAtOnce)
}
