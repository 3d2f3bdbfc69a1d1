package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// lane sends the events of some shards, one batch after the other.
type lane struct {
	relay  *Relay
	number int
	hint   chan struct{} // there may be something to send
	resume chan struct{} // what was away may be there again

	// Of the lane's goroutine.
	held     holds
	failures int // in a row
	single   int // events to be published alone, since one of them may end the channel
	poll     time.Duration
}

func newLane(r *Relay, number int) *lane {
	return &lane{relay: r, number: number, hint: make(chan struct{}, 1), resume: make(chan struct{}, 1), held: holds{}, poll: r.config.PollMin}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (l *lane) look() { poke(l.hint) }
func (l *lane) goOn() { poke(l.resume) }

// run goes on until ctx ends. What is under way then goes on until hard ends.
func (l *lane) run(ctx, hard context.Context) {
	for ctx.Err() == nil {
		moved, err := l.round(ctx, hard)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.failures++
			l.relay.failed(err)
			l.pause(ctx, nil, Backoff(l.failures, longestOut, rand.Float64()))
			continue
		case l.failures > 0:
			l.failures = 0
			l.relay.succeeded()
		}
		if moved > 0 {
			l.poll = l.relay.config.PollMin
			continue
		}
		l.pause(ctx, l.hint, l.poll)
	}
}

// pause waits for a time, for what was away, or for a hint where it is given: in
// an outage every commit would end the wait.
func (l *lane) pause(ctx context.Context, hint chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.resume:
	case <-hint:
		l.poll = l.relay.config.PollMin
	case <-timer.C:
		if hint != nil {
			l.poll = min(2*l.poll, l.relay.config.PollMax)
		}
	}
}

// round reads once and sends what it has read. It tells how many events are out
// of the way.
func (l *lane) round(ctx, hard context.Context) (moved int, err error) {
	r := l.relay
	leases := r.leases.take(l.number)
	defer r.leases.done(l.number)
	if len(leases) == 0 {
		return 0, nil
	}
	if r.publisher == nil || r.config.Wanted != "" {
		if moved, err = l.discard(hard, leases); err != nil || moved > 0 || r.publisher == nil {
			return moved, err
		}
	}
	events, err := l.read(hard, leases)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	batch, moved := l.render(hard, leases, events)
	for len(batch) > 0 && err == nil && ctx.Err() == nil && r.leases.good(leases) {
		n := min(len(batch), r.config.Batch)
		if l.single > 0 {
			n = 1
			l.single--
		}
		var sent int
		var stopped map[string]bool
		sent, stopped, err = l.send(hard, leases, batch[:n])
		moved += sent
		batch = without(batch[n:], stopped)
	}
	return moved, err
}

// without leaves out events of streams that have stopped.
func without(batch []Message, stopped map[string]bool) []Message {
	if len(stopped) == 0 {
		return batch
	}
	kept := batch[:0]
	for _, m := range batch {
		if !stopped[m.Stream] {
			kept = append(kept, m)
		}
	}
	return kept
}

// discard removes what nobody wants. Only a full share of it is worth coming back
// for at once.
func (l *lane) discard(ctx context.Context, leases []Lease) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, l.relay.config.QueryTimeout)
	defer cancel()
	n, err := l.relay.source.Discard(ctx, leases, l.relay.config.Wanted, l.relay.config.AtOnce)
	if n < l.relay.config.AtOnce {
		n = 0
	}
	return n, err
}

func (l *lane) read(ctx context.Context, leases []Lease) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, l.relay.config.QueryTimeout)
	defer cancel()
	c := l.relay.config
	return l.relay.source.Unsent(ctx, leases, l.held.streams(time.Now()), c.PerShard, c.AtOnce)
}

// render makes messages of events. One that cannot be rendered is parked, and what
// follows it in its stream is left away.
func (l *lane) render(ctx context.Context, leases []Lease, events []Event) (batch []Message, parked int) {
	batch = make([]Message, 0, len(events))
	stopped := map[string]bool{}
	for _, e := range events {
		if stopped[e.Stream] {
			continue
		}
		body, err := Render(e)
		if err == nil {
			batch = append(batch, Message{Event: e, Body: body})
			continue
		}
		stopped[e.Stream] = true
		if l.park(ctx, leases, e, err.Error()) {
			parked++
		}
	}
	return batch, parked
}

// send publishes a batch and marks what was taken. It tells how much that was, and
// which streams have stopped.
func (l *lane) send(ctx context.Context, leases []Lease, batch []Message) (marked int, stopped map[string]bool, err error) {
	r := l.relay
	if early {
		marked, _ = l.mark(ctx, leases, all(batch))
	}
	began := time.Now()
	outcomes, err := r.publisher.Publish(ctx, l.number, batch)
	s := settle(batch, outcomes)
	r.meter.Published(len(s.sent), s.unrouted, time.Since(began))
	if !early && len(s.sent) > 0 {
		var failed error
		if marked, failed = l.mark(ctx, leases, s.sent); failed != nil {
			err = errors.Join(err, failed)
		}
		l.held.free(s.sent)
	}
	for _, e := range s.refused {
		if l.held.refuse(e, r.config.Refusals, time.Now(), rand.Float64()) && l.park(ctx, leases, e, "it was refused again and again") {
			marked++
		}
	}
	if len(s.missing) > 0 && err == nil {
		err = errUnrouted
	}
	if ended := (*ChannelError)(nil); errors.As(err, &ended) && len(batch) > 1 {
		l.single = len(batch) - len(s.sent) // one of these does it
	}
	return marked, s.stopped, err
}

var errUnrouted = errors.New("no queue takes events of a type that must have one")

// ChannelError is an error of a Publisher: the broker has objected to something in
// the batch. Alone in its batch the event has been refused.
type ChannelError struct{ Cause error }

func (e *ChannelError) Error() string { return "the broker objects: " + e.Cause.Error() }

// Unwrap is the broker's own error.
func (e *ChannelError) Unwrap() error { return e.Cause }

func all(batch []Message) []Event {
	events := make([]Event, 0, len(batch))
	for _, m := range batch {
		events = append(events, m.Event)
	}
	return events
}

// mark notes what was sent. After a failure it will be sent again.
func (l *lane) mark(ctx context.Context, leases []Lease, events []Event) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.relay.config.QueryTimeout)
	defer cancel()
	n, err := l.relay.source.Mark(ctx, leases, events)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	for _, e := range events {
		l.relay.meter.Delivered(now.Sub(e.OccurredAt))
	}
	return n, nil
}

// park stops a stream, and says so loudly.
func (l *lane) park(ctx context.Context, leases []Lease, e Event, reason string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.relay.config.QueryTimeout)
	defer cancel()
	at := slices.IndexFunc(leases, func(a Lease) bool { return a.Shard == e.Shard })
	if at < 0 {
		return false
	}
	if err := l.relay.source.Park(ctx, leases[at], e, reason); err != nil {
		l.relay.log.Warn("a stream of events could not be parked", "stream", e.Stream, "error", err)
		return false
	}
	delete(l.held, e.Stream)
	l.relay.log.Error("an event cannot be sent: its stream is parked, and atelier outbox redrive takes it up again",
		"stream", e.Stream, "seq", e.Seq, "type", e.Type, "event_id", e.ID, "reason", reason)
	return true
}
