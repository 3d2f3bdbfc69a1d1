package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/actors/store"
	"atelier/persistence/postgres"
	"atelier/test/services"
)

const (
	drainedQueue  = "project.created"
	eventsASecond = 5_000 // of a turn's measured time: what a backlog is made of
	drainedShare  = 0.8
	looksEvery    = 5 * time.Millisecond // at the length of the queue
	wakers        = 256                  // events: some for each lane

	unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
)

// broker is the RabbitMQ of all cases that need one, started by the first.
func (r *rig) broker() (url string, err error) {
	if r.bus == nil {
		progress("starting RabbitMQ")
		if r.bus, err = services.StartRabbitMQ(); err != nil {
			return "", err
		}
		r.onClose(r.bus.Stop)
	}
	return r.bus.URL(), nil
}

// declared is the queue as it is. The program declares it in the same way, with its
// first event.
func declared(c *amqp.Channel) (amqp.Queue, error) {
	return c.QueueDeclare(drainedQueue, true, false, false, false, nil)
}

func emptied(c *amqp.Channel) error {
	if _, err := declared(c); err != nil {
		return err
	}
	_, err := c.QueuePurge(drainedQueue, false)
	return err
}

// backlog is events of a site that wait to be sent, as often as that is wanted.
type backlog struct {
	site   *site
	url    string // of the broker
	db     *pgx.Conn
	second *pgx.Conn // while a transaction is open on the first
	broker *amqp.Channel
	events int
	sent   []amqp.Publishing // what the program made of them
}

// relay has the program send a backlog, and a bare publisher the same messages.
func (r *rig) relay(ctx context.Context, o options) (found findings, err error) {
	b := &backlog{}
	if b.url, err = r.broker(); err != nil {
		return found, err
	}
	if b.site, err = r.open(ctx, "relay", "ATELIER_AMQP_URL="+b.url); err != nil {
		return found, err
	}
	defer b.site.server.stop()
	if b.db, err = pgx.Connect(ctx, b.site.ours); err != nil {
		return found, err
	}
	defer b.db.Close(ctx)
	if b.second, err = pgx.Connect(ctx, b.site.ours); err != nil {
		return found, err
	}
	defer b.second.Close(ctx)
	conn, err := amqp.Dial(b.url)
	if err != nil {
		return found, err
	}
	defer conn.Close()
	if b.broker, err = conn.Channel(); err != nil {
		return found, err
	}
	if err := emptied(b.broker); err != nil {
		return found, err
	}
	if err := b.fill(ctx, int(eventsASecond*o.span.measured.Seconds())); err != nil {
		return found, err
	}
	c := outbox.DefaultConfig("")
	result, err := contest{
		name: "outbox/relay", ours: racer{"relay", b.drain}, program: b.site.server,
		rivals: []rival{{racer{fmt.Sprintf("bare, %d a confirm on %d channels", c.Batch, c.Lanes), b.bare}, drainedShare, drainedShare, 0}},
	}.run(ctx, r, o)
	found.contests = append(found.contests, result)
	return found, err
}

// fill commits events, in groups as the program's, and keeps what it sends of them.
func (b *backlog) fill(ctx context.Context, events int) error {
	db, err := postgres.Open(ctx, postgres.Config{URL: b.site.ours})
	if err != nil {
		return err
	}
	defer db.Close()
	batch := outbox.DefaultConfig("").Batch
	for b.events < events {
		group := make([]*store.Commit, 0, batch)
		for range batch {
			group = append(group, newProject())
		}
		results, err := db.Write(ctx, group)
		for _, result := range results {
			err = cmp.Or(err, result.Err)
		}
		if err != nil {
			return err
		}
		b.events += batch
	}
	progress("outbox/relay: %d events", b.events)
	if _, _, err := b.watch(ctx, b.events); err != nil {
		return err
	}
	if err := b.keep(); err != nil {
		return err
	}
	if err := none(ctx, b.db, "SELECT count(*) FROM feed_pending"); err != nil {
		return fmt.Errorf("events without a number: %w", err)
	}
	_, err = b.db.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// none waits until a query counts nothing.
func none(ctx context.Context, db *pgx.Conn, query string) error {
	return await(ctx, func() bool {
		left := 1
		err := db.QueryRow(ctx, query).Scan(&left)
		return err == nil && left == 0
	})
}

// keep takes what was sent out of the queue.
func (b *backlog) keep() error {
	deliveries, err := b.broker.Consume(drainedQueue, "bench", true, true, false, false, nil)
	if err != nil {
		return err
	}
	for len(b.sent) < b.events {
		select {
		case d, open := <-deliveries:
			if !open {
				return errors.New("the broker has ended the consumer")
			}
			b.sent = append(b.sent, amqp.Publishing{
				ContentType: d.ContentType, DeliveryMode: d.DeliveryMode, MessageId: d.MessageId, Timestamp: d.Timestamp, Type: d.Type, Body: d.Body,
			})
		case <-time.After(patience):
			return fmt.Errorf("%d of %d events came", len(b.sent), b.events)
		}
	}
	return b.broker.Cancel("bench", false)
}

// watch waits until so many events are in the queue. It tells how many came, and in
// which time, from when the first were seen there: before that the relay may have
// been asleep.
func (b *backlog) watch(ctx context.Context, events int) (came int, took time.Duration, err error) {
	var began time.Time
	first, last, changed := 0, 0, time.Now()
	tick := time.NewTicker(looksEvery)
	defer tick.Stop()
	for {
		q, err := declared(b.broker)
		if err != nil {
			return 0, 0, err
		}
		now := time.Now()
		if q.Messages > last {
			if last == 0 {
				began, first = now, q.Messages
			}
			last, changed = q.Messages, now
		}
		switch {
		case last >= events:
			return last - first, now.Sub(began), nil
		case now.Sub(changed) > patience:
			return 0, 0, fmt.Errorf("%d of %d events came, and no more", last, events)
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-tick.C:
		}
	}
}

// drain has all of it wait again, at once, and the program send it. Lanes that find
// nothing look ever less often, so a few events go ahead to wake them all.
func (b *backlog) drain(ctx context.Context, _ span) (l lap, err error) {
	if err := b.empty(ctx); err != nil {
		return l, err
	}
	tx, err := b.db.Begin(ctx)
	if err != nil {
		return l, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	const ahead = `(SELECT event_id FROM outbox ORDER BY event_id LIMIT $1)`
	if _, err := tx.Exec(ctx, `UPDATE outbox SET sent_at = NULL WHERE event_id NOT IN `+ahead, wakers); err != nil {
		return l, err
	}
	if _, err := b.second.Exec(ctx, `UPDATE outbox SET sent_at = NULL WHERE event_id IN `+ahead, wakers); err != nil {
		return l, err
	}
	if err := none(ctx, b.second, unsent); err != nil {
		return l, err
	}
	if err := emptied(b.broker); err != nil {
		return l, err
	}
	m, sent := b.site.meter(), b.events-wakers
	_ = m.read()
	if err := tx.Commit(ctx); err != nil {
		return l, err
	}
	came, took, err := b.watch(ctx, sent)
	if err != nil {
		return l, err
	}
	_ = m.read()
	l, err = arrived(came, took)
	each := func(spent time.Duration) float64 { return spent.Seconds() * 1e6 / float64(sent) }
	l.Server, l.Postgres = each(m.spent[0]), each(m.spent[1])
	return l, err
}

// arrived is the rate of what was seen to come.
func arrived(came int, took time.Duration) (lap, error) {
	if came == 0 {
		return lap{}, errors.New("all events came between two looks: give it more -time")
	}
	return lap{Rate: float64(came) / took.Seconds()}, nil
}

// empty leaves nothing of the last turn: the relay marks what it has sent a moment
// after it is in the queue.
func (b *backlog) empty(ctx context.Context) error {
	if err := none(ctx, b.db, unsent); err != nil {
		return fmt.Errorf("events that still wait: %w", err)
	}
	if _, err := b.db.Exec(ctx, "VACUUM outbox"); err != nil {
		return err
	}
	return emptied(b.broker)
}

// bare publishes the same messages, as fast as the broker confirms.
func (b *backlog) bare(ctx context.Context, _ span) (l lap, err error) {
	if err := b.empty(ctx); err != nil {
		return l, err
	}
	conn, err := amqp.Dial(b.url)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	lanes := make([]*amqp.Channel, outbox.DefaultConfig("").Lanes)
	for i := range lanes {
		if lanes[i], err = conn.Channel(); err != nil {
			return l, err
		}
		if err := lanes[i].Confirm(false); err != nil {
			return l, err
		}
	}
	failures := make([]error, len(lanes))
	var all sync.WaitGroup
	for i, lane := range lanes {
		share := b.sent[i*len(b.sent)/len(lanes) : (i+1)*len(b.sent)/len(lanes)]
		all.Go(func() { failures[i] = publish(ctx, lane, share) })
	}
	came, took, err := b.watch(ctx, len(b.sent)) // as the relay's
	all.Wait()
	if err := errors.Join(append(failures, err)...); err != nil {
		return l, err
	}
	return arrived(came, took)
}

func publish(ctx context.Context, lane *amqp.Channel, share []amqp.Publishing) error {
	batch := outbox.DefaultConfig("").Batch
	for len(share) > 0 {
		n := min(batch, len(share))
		var waiting []*amqp.DeferredConfirmation
		for _, m := range share[:n] {
			confirm, err := lane.PublishWithDeferredConfirm(rabbitmq.ProjectEvents, m.Type, true, false, m)
			if err != nil {
				return err
			}
			waiting = append(waiting, confirm)
		}
		for _, confirm := range waiting {
			taken, err := confirm.WaitContext(ctx)
			if err != nil {
				return err
			}
			if !taken {
				return errors.New("the broker refuses a message")
			}
		}
		share = share[n:]
	}
	return nil
}
