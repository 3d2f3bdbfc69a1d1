package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	listeners  = 1000     // sockets of a channel
	lateWindow = 4 << 10  // bytes of a reader that does not read
	bigBuffer  = 32 << 10 // of one that does

	chokedWait = 100 * time.Millisecond // for what was kept for who did not read
)

// venue is a server with a channel.
type venue struct {
	door
	greet   [][2]string                     // what a socket says first, and what is in the answer
	publish func(n int, text string) string // what the n-th message is sent with
	deaf    bool                            // who sends a message does not get it
	late    [][2]string                     // what those who do not read say besides
	choke   func() error                    // has more for them wait than there is room for
	meter   *meter
}

// audience is a lap of a venue: sockets that all read one channel, and publish to it in
// turn. A message is done when all who read have it, and so many are on their way.
type audience struct {
	venue
	sockets, waiting int
	stalled          int // of the sockets; they are never read

	lines     []*socket
	delivered atomic.Int64
	wanted    atomic.Int64
	enough    chan struct{} // delivered may have reached wanted
	ears      *ears
}

// fanout is a contestant.
func (v venue) fanout(name string, sockets, stalled, waiting int) racer {
	return racer{name, func(ctx context.Context, s span) (lap, error) {
		return (&audience{venue: v, sockets: sockets, stalled: stalled, waiting: waiting}).lap(ctx, s)
	}}
}

func (c *audience) lap(ctx context.Context, s span) (l lap, err error) {
	c.lines, c.enough, c.ears = make([]*socket, c.sockets), make(chan struct{}, 1), newEars(c.sockets)
	var reading sync.WaitGroup
	failed := make(chan error, c.sockets)
	defer func() {
		hangUp(c.lines)
		reading.Wait()
	}()
	if err := c.open(); err != nil {
		return l, err
	}
	if c.stalled > 0 {
		if err := c.choke(); err != nil {
			return l, err
		}
	}
	for i := range c.sockets - c.stalled {
		reading.Go(func() {
			if err := c.hear(i); !errors.Is(err, net.ErrClosed) {
				failed <- fmt.Errorf("socket %d: %w", i, err)
			}
		})
	}
	return c.talk(ctx, s, failed)
}

// open opens all sockets. The last ones are those that will not be read.
func (c *audience) open() error {
	return spread(c.sockets, opening, func(i int) (err error) {
		d, greet := c.door, c.greet
		d.buffer = bigBuffer
		if i >= c.sockets-c.stalled {
			d.window, greet = lateWindow, append(greet[:len(greet):len(greet)], c.late...)
		}
		c.lines[i], err = d.greeted(greet)
		return err
	})
}

// greeted opens a socket and says what is said first.
func (d door) greeted(greet [][2]string) (*socket, error) {
	s, err := d.open()
	for i := 0; i < len(greet) && err == nil; i++ {
		err = s.ask(greet[i][0], greet[i][1])
	}
	if err != nil && s != nil {
		s.conn.Close()
	}
	return s, err
}

// hear reads a socket and counts.
func (c *audience) hear(i int) error {
	return c.lines[i].read(func(piece []byte, whole bool) {
		n := int64(bytes.Count(piece, []byte{mark}))
		if n == 0 {
			return
		}
		c.ears.hear(i, piece, whole)
		if c.delivered.Add(n) >= c.wanted.Load() {
			select {
			case c.enough <- struct{}{}:
			default:
			}
		}
	})
}

// talk publishes, and counts what is delivered in the measured time.
func (c *audience) talk(ctx context.Context, s span, failed <-chan error) (l lap, err error) {
	talkers := c.sockets - c.stalled
	each := int64(talkers)
	if c.deaf {
		each--
	}
	began := time.Now()
	var from time.Time
	var before int64
	n := 0
	for ; ; n++ {
		if err := c.await(ctx, int64(n-c.waiting+1)*each, failed); err != nil {
			return l, fmt.Errorf("after %d messages: %w", n, err)
		}
		now := time.Now()
		if from.IsZero() && now.Sub(began) > s.warm {
			from, before = now, c.delivered.Load()
			c.ears.measuring.Store(true)
			c.meter.calls = 0
			if err := c.meter.read(); err != nil {
				return l, err
			}
		}
		if !from.IsZero() && now.Sub(from) > s.measured {
			break
		}
		c.ears.sends(n)
		if err := c.lines[n%talkers].say(c.publish(n, marked(n))); err != nil {
			return l, err
		}
	}
	delivered, elapsed := float64(c.delivered.Load()-before), time.Since(from)
	if err := c.meter.read(); err != nil {
		return l, err
	}
	c.ears.measuring.Store(false)
	if err := c.await(ctx, int64(n)*each, failed); err != nil {
		return l, err
	}
	if err := c.choked(); err != nil {
		return l, err
	}
	took := c.ears.took()
	return c.meter.charge(lap{Rate: delivered / elapsed.Seconds(), P50: quantile(took, 0.5), P99: quantile(took, 0.99)}, span{measured: elapsed}), nil
}

// choked reads those who did not, and holds that not all was kept for them.
func (c *audience) choked() error {
	for _, line := range c.lines[c.sockets-c.stalled:] {
		came := 0
		_ = line.conn.SetReadDeadline(time.Now().Add(chokedWait))
		_ = line.read(func(piece []byte, _ bool) { came += len(piece) })
		if came >= chokers*chokeTimes*chokeSize {
			return fmt.Errorf("a socket that is not read had room for %d bytes", came)
		}
	}
	return nil
}

// await returns when that many deliveries were made.
func (c *audience) await(ctx context.Context, deliveries int64, failed <-chan error) error {
	c.wanted.Store(deliveries)
	if c.delivered.Load() >= deliveries {
		return nil
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for c.delivered.Load() < deliveries {
		select {
		case <-c.enough:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("%d of %d deliveries were made", c.delivered.Load(), deliveries)
		}
	}
	return nil
}
