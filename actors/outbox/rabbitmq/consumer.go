package rabbitmq

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"atelier/actors/outbox"
)

const (
	prefetched = 16               // messages of a queue that a consumer has at one time
	lastReturn = 30 * time.Second // between attempts to connect, and of a message that cannot be taken now
)

// Consume gives take the events of a queue, one after the other, until ctx ends. One
// that it does not take goes back to the queue, and another node may have it; one
// that is no event is taken away. Without a connection it connects again, less and
// less often.
func Consume(ctx context.Context, c Config, queue string, take outbox.Consumer, log *slog.Logger) {
	log = log.With("queue", queue)
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := consume(ctx, c, queue, take, log)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastReturn {
			failures = 0
		}
		if failures++; failures == 1 {
			log.Warn("a queue cannot be read now; what is in it waits", "error", err)
		}
		pause(ctx, failures)
	}
}

// consume serves one connection.
func consume(ctx context.Context, c Config, queue string, take outbox.Consumer, log *slog.Logger) error {
	l, err := dial(ctx, c)
	if err != nil {
		return err
	}
	defer l.close()
	late := time.AfterFunc(c.DialTimeout, l.kill)
	deliveries, err := l.subscribe(ctx, queue, c.Name)
	if late.Stop(); err != nil {
		return err
	}
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d, open := <-deliveries:
			if !open {
				return errors.New("the connection to the broker has ended")
			}
			if err := handle(ctx, d, take, &failures, log); err != nil {
				return err
			}
		}
	}
}

func (l *link) subscribe(ctx context.Context, queue, name string) (<-chan amqp.Delivery, error) {
	channel, err := l.conn.Channel()
	if err != nil {
		return nil, err
	}
	if err := channel.Qos(prefetched, 0, false); err != nil {
		return nil, err
	}
	return channel.ConsumeWithContext(ctx, queue, name, false, false, false, false, nil)
}

// handle has one message taken and answers the broker.
func handle(ctx context.Context, d amqp.Delivery, take outbox.Consumer, failures *int, log *slog.Logger) error {
	e, err := outbox.Parse(d.Body)
	if err != nil {
		log.Warn("a message that is no event was taken out of a queue", "message_id", d.MessageId, "error", err)
		return d.Ack(false)
	}
	if err := take(ctx, e); err != nil {
		if *failures++; *failures == 1 {
			log.Warn("an event cannot be taken now and goes back to its queue", "event_id", e.ID, "type", e.Type, "error", err)
		}
		pause(ctx, *failures)
		return d.Nack(false, true)
	}
	*failures = 0
	return d.Ack(false)
}

// pause waits after so many failures in a row.
func pause(ctx context.Context, failures int) {
	timer := time.NewTimer(outbox.Backoff(failures, lastReturn, rand.Float64()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
