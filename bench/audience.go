package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	listeners  = 1000     // sockets of a channel
	lateWindow = 4 << 10  // bytes of a reader that does not read
	bigBuffer  = 32 << 10 // of one that does
	earEvery   = 50       // of so many sockets one takes down when messages came
	opening    = 16       // sockets at one time

	chokedWait = 100 * time.Millisecond // for what was kept for who did not read
)

// mark is in each message once, in front of its number, and nowhere else in what
// servers say.
const (
	mark       = '~'
	markDigits = 10
)

// marked is the text of the n-th message.
func marked(n int) string {
	return string(mark) + fmt.Sprintf("%0*d", markDigits, n) + strings.Repeat(" and more", 20)
}

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
	sent      [1 << 16]atomic.Int64
	measuring atomic.Bool
	took      [][]float64 // ms, by ear
	began     time.Time
}

// fanout is a contestant.
func (v venue) fanout(name string, sockets, stalled, waiting int) racer {
	return racer{name, func(ctx context.Context, s span) (lap, error) {
		return (&audience{venue: v, sockets: sockets, stalled: stalled, waiting: waiting}).lap(ctx, s)
	}}
}

func (c *audience) lap(ctx context.Context, s span) (l lap, err error) {
	c.enough, c.took, c.began = make(chan struct{}, 1), make([][]float64, c.sockets/earEvery+1), time.Now()
	var reading sync.WaitGroup
	failed := make(chan error, c.sockets)
	defer func() {
		for _, line := range c.lines {
			if line != nil {
				line.conn.Close()
			}
		}
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
	c.lines = make([]*socket, c.sockets)
	failures := make([]error, opening)
	var all sync.WaitGroup
	for k := range opening {
		all.Go(func() {
			for i := k; i < c.sockets && failures[k] == nil; i += opening {
				d, greet := c.door, c.greet
				d.buffer = bigBuffer
				if i >= c.sockets-c.stalled {
					d.window, greet = lateWindow, append(greet[:len(greet):len(greet)], c.late...)
				}
				c.lines[i], failures[k] = d.greeted(greet)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
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
		if i%earEvery == 0 && whole {
			c.clock(i/earEvery, piece)
		}
		if c.delivered.Add(n) >= c.wanted.Load() {
			select {
			case c.enough <- struct{}{}:
			default:
			}
		}
	})
}

// clock takes down how long the messages of a piece took.
func (c *audience) clock(ear int, piece []byte) {
	if !c.measuring.Load() {
		return
	}
	now := time.Since(c.began)
	for {
		at := bytes.IndexByte(piece, mark)
		if at < 0 || len(piece) < at+1+markDigits {
			return
		}
		n, _ := strconv.Atoi(string(piece[at+1 : at+1+markDigits]))
		c.took[ear] = append(c.took[ear], (now-time.Duration(c.sent[n%len(c.sent)].Load())).Seconds()*1e3)
		piece = piece[at+1:]
	}
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
			c.measuring.Store(true)
			c.meter.calls = 0
			if err := c.meter.read(); err != nil {
				return l, err
			}
		}
		if !from.IsZero() && now.Sub(from) > s.measured {
			break
		}
		c.sent[n%len(c.sent)].Store(int64(now.Sub(c.began)))
		if err := c.lines[n%talkers].say(c.publish(n, marked(n))); err != nil {
			return l, err
		}
	}
	delivered, elapsed := float64(c.delivered.Load()-before), time.Since(from)
	if err := c.meter.read(); err != nil {
		return l, err
	}
	c.measuring.Store(false)
	if err := c.await(ctx, int64(n)*each, failed); err != nil {
		return l, err
	}
	if err := c.choked(); err != nil {
		return l, err
	}
	took := slices.Concat(c.took...)
	l = lap{Rate: delivered / elapsed.Seconds(), P50: quantile(took, 0.5), P99: quantile(took, 0.99)}
	l.Server, l.Postgres = c.meter.spent[0].Seconds()*1e6/delivered, c.meter.spent[1].Seconds()*1e6/delivered
	return l, nil
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
