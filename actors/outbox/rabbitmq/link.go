package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"atelier/actors/outbox"
)

// link is one connection to the broker. A lane's channel is the lane's own.
type link struct {
	conn    *amqp.Connection
	socket  net.Conn
	setup   *amqp.Channel
	lanes   []*channel
	stale   atomic.Bool            // something that must be declared is missing
	blocked atomic.Pointer[string] // why the broker takes nothing now
}

type channel struct {
	*amqp.Channel
	returns <-chan amqp.Return
	closed  <-chan *amqp.Error
}

// maxBatch is how many messages may come back before anybody looks: the reader
// must not be kept waiting by them.
const maxBatch = 1024

// dial connects, within its time, and declares what is missing.
func dial(ctx context.Context, c Config) (*link, error) {
	l := &link{lanes: make([]*channel, c.Lanes)}
	deadline := time.Now().Add(c.DialTimeout)
	dialer := net.Dialer{Deadline: deadline}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(c.Name)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var err error
	l.conn, err = amqp.DialConfig(c.URL, amqp.Config{
		Heartbeat: c.Heartbeat, Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			socket, err := dialer.DialContext(ctx, network, address)
			if err == nil {
				l.socket, err = socket, socket.SetDeadline(deadline)
			}
			return socket, err
		},
	})
	if err != nil {
		if l.socket != nil {
			_ = l.socket.Close()
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	l.watch()
	stop := context.AfterFunc(ctx, l.kill)
	defer stop()
	if err := l.declare(); err != nil {
		l.close()
		return nil, fmt.Errorf("declare: %w", err)
	}
	return l, nil
}

// watch takes down when the broker blocks the connection: it is short of memory or
// of disk. It ends with the connection.
func (l *link) watch() {
	news := l.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	go func() {
		for b := range news {
			if l.blocked.Store(nil); b.Active {
				l.blocked.Store(&b.Reason)
			}
		}
	}()
}

// kill cuts the connection. All that waits for it ends.
func (l *link) kill() { _ = l.socket.Close() }

// closeTime is for goodbyes.
const closeTime = time.Second

func (l *link) close() {
	_ = l.conn.CloseDeadline(time.Now().Add(closeTime))
	l.kill()
}

// channel is that of a lane, open.
func (l *link) channel(lane int) (*channel, error) {
	if c := l.lanes[lane]; c != nil && !c.IsClosed() {
		return c, nil
	}
	opened, err := l.conn.Channel()
	if err != nil {
		return nil, err
	}
	c := &channel{opened, opened.NotifyReturn(make(chan amqp.Return, maxBatch)), opened.NotifyClose(make(chan *amqp.Error, 1))}
	if err := c.Confirm(false); err != nil {
		return nil, err
	}
	l.lanes[lane] = c
	return c, nil
}

// publish sends a batch and waits for its confirms, or for the end of the channel.
func (l *link) publish(lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	c, err := l.channel(lane)
	if err != nil {
		return nil, err
	}
	var confirms []*amqp.DeferredConfirmation
	for _, m := range batch {
		var confirm *amqp.DeferredConfirmation
		confirm, err = c.PublishWithDeferredConfirm(exchange(m.Type), m.Type, true, false, amqp.Publishing{
			ContentType: outbox.ContentType, DeliveryMode: amqp.Persistent, MessageId: m.ID, Timestamp: m.OccurredAt, Type: m.Type, Body: m.Body,
		})
		if err != nil {
			break
		}
		confirms = append(confirms, confirm)
	}
	outcomes := make([]outbox.Outcome, len(batch))
	for i, confirm := range confirms {
		switch {
		case confirm.Wait():
			outcomes[i] = outbox.Taken
		case !c.IsClosed():
			outcomes[i] = outbox.Refused
		}
	}
	l.markReturned(c, batch, outcomes)
	if c.IsClosed() {
		err = l.ended(c, batch, outcomes, err)
	}
	return outcomes, err
}

// markReturned finds those that no queue wants: the broker returns them before it
// confirms them.
func (l *link) markReturned(c *channel, batch []outbox.Message, outcomes []outbox.Outcome) {
	for {
		select {
		case back, ok := <-c.returns:
			if !ok {
				return
			}
			i := slices.IndexFunc(batch, func(m outbox.Message) bool { return m.ID == back.MessageId })
			if i < 0 || outcomes[i] != outbox.Taken {
				continue
			}
			outcomes[i] = outbox.Unrouted
			if outbox.MustRoute(batch[i].Type) {
				l.stale.Store(true)
			}
		default:
			return
		}
	}
}

// ended is why a channel has ended. Where the broker objects to what was sent on
// it, that was the message, if it was one alone.
func (l *link) ended(c *channel, batch []outbox.Message, outcomes []outbox.Outcome, err error) error {
	reason, known := <-c.closed
	if !known || reason == nil {
		return cmp.Or(err, error(amqp.ErrClosed))
	}
	switch {
	case reason.Code == amqp.NotFound: // an exchange is gone
		l.stale.Store(true)
	case reason.Server && objection(reason.Code):
		if len(batch) == 1 {
			outcomes[0] = outbox.Refused
			return nil
		}
		return &outbox.ChannelError{Cause: reason}
	}
	return reason
}

// objection reports whether a code is about what was sent.
func objection(code int) bool {
	return slices.Contains([]int{amqp.ContentTooLarge, amqp.PreconditionFailed, amqp.FrameError, amqp.SyntaxError, amqp.UnexpectedFrame}, code)
}

var errLate = errors.New("the broker does not confirm in time")

// late is why the time of a call has ended.
func (l *link) late() error {
	if reason := l.blocked.Load(); reason != nil {
		return fmt.Errorf("the broker takes nothing now: %s", *reason)
	}
	return errLate
}
