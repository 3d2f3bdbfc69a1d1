package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelier/actors"
	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/actors/store"
	"atelier/messages"
)

// eventSettings say where events go.
type eventSettings struct {
	AMQPURL string `name:"amqp-url" help:"Send events to RabbitMQ: amqp://user:password@host/vhost, or amqps://…. Give it to all nodes; without it events are not sent." placeholder:"URL" env:"ATELIER_AMQP_URL" group:"Events"`
}

func (s *eventSettings) checkEvents(production bool) error {
	if s.AMQPURL == "" {
		return nil
	}
	if err := rabbitmq.Check(s.AMQPURL); err != nil {
		return errors.New("ATELIER_AMQP_URL must be a URL such as amqp://user:password@host:5672/vhost: special characters in the password are written as %40 and the like")
	}
	if production && rabbitmq.Guest(s.AMQPURL) {
		return errors.New("in production the password of the broker must not be one that everybody tries: give its user another, and put that into ATELIER_AMQP_URL")
	}
	return nil
}

const (
	sentKept    = 24 * time.Hour // events that were sent can be sent again for so long
	outboxSweep = time.Minute
)

// outboxStore is an engine's outbox.
type outboxStore interface {
	outbox.Source
	outbox.Numberer
	Parked(ctx context.Context) ([]messages.ParkedStream, error)
	Redrive(ctx context.Context, r outbox.Redrive) (streams, events int, err error)
	Sweep(ctx context.Context, longerAgo time.Duration, limit int) (removed int, err error)
}

// eventRelay is a node's part in sending events, and what operators see of it.
type eventRelay struct {
	*outbox.Relay
	feed   *outbox.Sequencer
	node   string
	broker bool
	store  outboxStore
}

// makeRelay makes what sends events. Entities give it hints, and it is stopped after
// them. Embedded, or without a broker, nobody else commits what is to be sent soon:
// hints tell of all.
func (s *server) makeRelay(c settings, db *opened, node string) error {
	config := outbox.LocalConfig(node)
	var publisher outbox.Publisher
	switch {
	case c.AMQPURL != "":
		config = outbox.DefaultConfig(node)
		if c.embedded() {
			config.PollMin = config.PollMax
		}
		p, err := rabbitmq.New(rabbitmq.DefaultConfig(c.AMQPURL, node, config.Lanes))
		if err != nil {
			return err
		}
		publisher = s.tracer.publisher(p)
	case c.Welcome == "on":
		config.Wanted, publisher = userStreams, outbox.NewLocal(s.welcome)
	}
	s.relay = &eventRelay{
		outbox.New(config, db.outbox, publisher, s.metrics.outbox, s.log), outbox.NewSequencer(outbox.DefaultConfig(node), db.outbox, s.log), node, config.Broker, db.outbox,
	}
	s.metrics.readOutbox(s.relay.Status)
	s.onStop(s.relay.Stop)
	s.onStop(s.relay.feed.Stop)
	return nil
}

// startRelay begins to send events, and to take those that are the node's own to
// take: entities can be asked.
func (s *server) startRelay(ctx context.Context, c settings, db *opened, node string) {
	s.relay.Start(ctx)
	if !c.embedded() { // whose commits number their events themselves
		s.relay.feed.Start(ctx)
	}
	s.background(func(ctx context.Context) { s.sweepOutbox(ctx, db.outbox) })
	s.startWelcome(c, node)
}

// sweepOutbox removes events that were sent long ago.
func (s *server) sweepOutbox(ctx context.Context, store outboxStore) {
	every(ctx, outboxSweep, func() {
		err := emptied(ctx, sweepAtOnce, func(ctx context.Context, limit int) (int, error) { return store.Sweep(ctx, sentKept, limit) })
		if err != nil && ctx.Err() == nil {
			s.log.Warn("events that were sent long ago were not removed", "error", err)
		}
	})
}

// hints has several parts of the node hear of commits.
type hints []actors.Hints

// Committed implements actors.Hints.
func (all hints) Committed(kind store.Kind, id string, events []messages.Event) {
	for _, h := range all {
		h.Committed(kind, id, events)
	}
}

// Committed implements actors.Hints: what was committed here is sent at once. Most
// commits have nothing to send, those of documents none: to look costs a transaction.
func (r *eventRelay) Committed(kind store.Kind, id string, events []messages.Event) {
	if !slices.ContainsFunc(events, messages.Logged) {
		return
	}
	r.feed.Hint()
	switch {
	case !r.broker:
	case kind == store.Account:
		r.Hint(messages.UserStream(id))
	case kind == store.Project:
		r.Hint(messages.ProjectStream(id))
	}
}

// Outbox is what operators see.
func (r *eventRelay) Outbox(ctx context.Context) (*messages.Outbox, error) {
	parked, err := r.store.Parked(ctx)
	s := r.Status()
	return &messages.Outbox{
		Node: r.node, Broker: r.broker, Away: s.Away, Reason: s.Reason, Shards: s.Shards, Unsent: s.Backlog.Unsent, Lag: s.Backlog.Oldest, Parked: parked,
	}, err
}

// Redrive has parked streams go on and sends events again.
func (r *eventRelay) Redrive(ctx context.Context, stream string, since time.Duration) (streams, events int, err error) {
	return r.store.Redrive(ctx, outbox.Redrive{Stream: stream, Since: since})
}
