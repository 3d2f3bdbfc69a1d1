package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"atelier/actors/outbox"
)

// Config says where the broker is.
type Config struct {
	URL   string // amqp://… or amqps://…; it holds a password and is not shown
	Name  string // of the connection, as the broker lists it
	Lanes int    // channels

	DialTimeout    time.Duration // to connect and to declare
	ConfirmTimeout time.Duration // of a batch
	Heartbeat      time.Duration
}

// DefaultConfig is that of a node's relay.
func DefaultConfig(url, node string, lanes int) Config {
	return Config{
		URL: url, Name: "atelier outbox " + node, Lanes: lanes,
		DialTimeout: 5 * time.Second, ConfirmTimeout: 10 * time.Second, Heartbeat: 5 * time.Second,
	}
}

// Publisher implements outbox.Publisher. It connects when there is something to
// send.
type Publisher struct {
	config Config

	mu     sync.Mutex // of everything below; held while connecting
	link   *link      // nil: not connected
	failed time.Time  // end of the last attempt that failed
	reason error      // of that
	closed bool
}

// New makes a Publisher. It does not connect.
func New(c Config) (*Publisher, error) { return &Publisher{config: c}, Check(c.URL) }

// Check tells whether a URL can be used. The error does not show it.
func Check(url string) error {
	if _, err := amqp.ParseURI(url); err != nil {
		return errors.New("the URL of the broker cannot be read")
	}
	return nil
}

var errClosed = errors.New("the publisher was closed")

// connected is the connection, made anew where there is none. Lanes that waited for
// an attempt of another share its end.
func (p *Publisher) connected(ctx context.Context) (*link, error) {
	asked := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, errClosed
	case p.link != nil && !p.link.conn.IsClosed():
		return p.link, p.repair(ctx)
	case p.failed.After(asked):
		return nil, p.reason
	}
	p.drop()
	l, err := dial(ctx, p.config)
	if err != nil {
		p.failed, p.reason = time.Now(), err
		return nil, err
	}
	p.link = l
	return l, nil
}

// repair declares again what was found missing.
func (p *Publisher) repair(ctx context.Context) error {
	if !p.link.stale.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, p.link.kill)
	defer stop()
	if err := p.link.declare(); err != nil {
		return fmt.Errorf("declare: %w", err)
	}
	p.link.stale.Store(false)
	return nil
}

// drop forgets the connection. The caller holds mu.
func (p *Publisher) drop() {
	if p.link != nil {
		p.link.close()
		p.link = nil
	}
}

// Publish implements outbox.Publisher.
func (p *Publisher) Publish(ctx context.Context, lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	if len(batch) > maxBatch {
		return nil, fmt.Errorf("a batch has at most %d messages", maxBatch)
	}
	l, err := p.connected(ctx)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, p.config.ConfirmTimeout)
	defer cancel()
	stop := context.AfterFunc(within, l.kill)
	outcomes, err := l.publish(lane, batch)
	if !stop() && err != nil {
		if err = l.late(); ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	return outcomes, err
}

// Close implements outbox.Publisher.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.drop()
}

// Guest reports whether a URL has the password that every broker begins with.
func Guest(url string) bool {
	uri, err := amqp.ParseURI(url)
	return err == nil && uri.Password == "guest"
}
