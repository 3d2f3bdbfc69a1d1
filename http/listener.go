package http

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Closing a listener resets the connections that the kernel has accepted and
// the program has not, and closing a connection with unread bytes resets it
// under its last reply. The listener here does neither.
const (
	acceptQuiet = 10 * time.Millisecond // without a new connection: nobody is on the way
	idleGrace   = 500 * time.Millisecond
	lingerTime  = 2 * time.Second
	lingerBytes = 16 << 20
)

// listener hands out connections until it is told to drain.
type listener struct {
	*net.TCPListener
	draining atomic.Bool
	drained  chan struct{} // closed with the listener
	once     sync.Once
	open     sync.WaitGroup // connections; added to by Accept alone
}

func newListener(l *net.TCPListener) *listener {
	return &listener{TCPListener: l, drained: make(chan struct{})}
}

// Accept is the next connection; io.EOF once the listener has drained.
func (l *listener) Accept() (net.Conn, error) {
	last := false // the queue was quiet: one more look, then it is closed
	for {
		c, err := l.TCPListener.AcceptTCP()
		switch {
		case err == nil:
			if l.draining.Load() {
				_ = l.SetDeadline(time.Now().Add(acceptQuiet))
			}
			l.open.Add(1)
			return &conn{TCPConn: c, from: l}, nil
		case !l.draining.Load() || !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case last:
			_ = l.Close()
			return nil, io.EOF
		}
		last = true
		_ = l.SetDeadline(time.Now().Add(time.Millisecond))
	}
}

// Close closes the listener, once.
func (l *listener) Close() (err error) {
	l.once.Do(func() {
		err = l.TCPListener.Close()
		close(l.drained)
	})
	return err
}

// drain takes in the connections that are on the way, closes the listener, and
// lets the open ones end with their next reply. Those that stay idle are left.
func (l *listener) drain(ctx context.Context) {
	l.draining.Store(true)
	_ = l.SetDeadline(time.Now().Add(acceptQuiet))
	quiet, cancel := context.WithTimeout(ctx, idleGrace)
	defer cancel()
	select {
	case <-l.drained:
	case <-quiet.Done(): // they come without end
		_ = l.Close()
		return
	}
	ended := make(chan struct{})
	go func() {
		l.open.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-quiet.Done():
	}
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	from   *listener
	linger atomic.Bool
	once   sync.Once
}

// Close closes the connection. One that lingers first reads what the client is
// still sending: else the reset would overtake the reply.
func (c *conn) Close() error {
	defer c.once.Do(c.from.open.Done)
	if c.linger.Load() {
		_ = c.CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerBytes)
	}
	return c.TCPConn.Close()
}

// lingerAfter has the connection of a request that was not read to its end
// linger after the reply.
func lingerAfter(c *fiber.Ctx) {
	if held, ours := c.Context().Conn().(*conn); ours {
		held.linger.Store(true)
	}
}
