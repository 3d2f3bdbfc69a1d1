package http

import (
	"context"
	"crypto/tls"
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
// under its last reply. The listener here does neither. Connections that were
// opened ahead and never used, as browsers do, end without a word: the server
// takes them for requests under way, would wait for them when it stops, and
// would answer them with a time-out that nobody asked for.
const (
	onTheWay    = 10 * time.Millisecond // a connection that is being made, or its first byte
	idleGrace   = 500 * time.Millisecond
	lingerTime  = 2 * time.Second
	lingerBytes = 16 << 20
)

// listener hands out connections until it is told to drain.
type listener struct {
	*net.TCPListener
	tls      *tls.Config  // nil: plaintext
	most     int64        // connections
	arriving *capacity    // of requests that have not come to their end
	files    atomic.Int64 // that connections have
	draining atomic.Bool
	drained  chan struct{} // closed with the listener
	once     sync.Once
	open     sync.WaitGroup // connections; added to by Accept alone
	leaving  atomic.Bool    // those that were never used end
	last     []*conn        // accepted with the close, not handed out; belongs to Accept

	mu     sync.Mutex
	unused map[*conn]struct{} // no byte has come yet
}

func newListener(l *net.TCPListener, secure *tls.Config, arriving *capacity) *listener {
	return &listener{TCPListener: l, tls: secure, most: clientsMost(openFiles()), arriving: arriving, drained: make(chan struct{}), unused: make(map[*conn]struct{})}
}

// Accept is the next connection; io.EOF once the listener has drained, errCrowded where
// there is no room for one.
func (l *listener) Accept() (net.Conn, error) {
	if l.files.Load() >= l.most && !l.draining.Load() {
		return nil, errCrowded
	}
	c, err := l.TCPListener.AcceptTCP()
	if err == nil {
		return l.take(c), nil
	}
	if !l.draining.Load() {
		return nil, err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		for _, c := range sweep(l.TCPListener) {
			l.last = append(l.last, l.take(c))
		}
		_ = l.Close()
	}
	if len(l.last) == 0 {
		return nil, io.EOF
	}
	held := l.last[0]
	l.last = l.last[1:]
	return held, nil
}

func (l *listener) take(c *net.TCPConn) *conn {
	l.open.Add(1)
	l.files.Add(1)
	held := &file{TCPConn: c, from: l}
	taken := &conn{Conn: held, tcp: c, from: l}
	if l.tls != nil {
		taken.Conn = tls.Server(held, l.tls) // which shakes hands when the first request is read
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unused[taken] = struct{}{}
	return taken
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
// lets the open ones end with their next reply. Of those that stay idle the
// server closes what was used before, and the rest ends here.
func (l *listener) drain(ctx context.Context) {
	defer l.endUnused()
	l.draining.Store(true)
	_ = l.SetDeadline(time.Now().Add(onTheWay))
	quiet, cancel := context.WithTimeout(ctx, idleGrace)
	defer cancel()
	select {
	case <-l.drained:
	case <-quiet.Done(): // nobody accepts
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

// endUnused ends the connections on which nothing has come.
func (l *listener) endUnused() {
	l.leaving.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.unused {
		_ = c.SetReadDeadline(time.Now())
	}
}

// conn is a client's connection.
type conn struct {
	net.Conn // the TCP connection, or TLS over it
	tcp      *net.TCPConn
	from     *listener
	used     bool // a byte has come; belongs to the reader
	linger   atomic.Bool
	read     atomic.Int64 // bytes of the request that is being read
	once     sync.Once
}

// Read reads. A connection on which nothing comes in time has ended.
func (c *conn) Read(p []byte) (n int, err error) {
	if c.used {
		if n, err = c.Conn.Read(p); err != nil {
			return n, err
		}
		return c.arrives(n)
	}
	leaving := c.from.leaving.Load()
	if !leaving {
		n, err = c.Conn.Read(p)
	}
	if leaving || errors.Is(err, os.ErrDeadlineExceeded) && c.from.leaving.Load() {
		_ = c.SetReadDeadline(time.Now().Add(onTheWay)) // what arrives this moment counts
		n, err = c.Conn.Read(p)
		_ = c.SetReadDeadline(time.Now().Add(readTimeout))
	}
	if n > 0 {
		c.used = true
		c.from.forget(c)
		if err == nil {
			n, err = c.arrives(n)
		}
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	if strayed, is := errors.AsType[tls.RecordHeaderError](err); is && strayed.Conn != nil {
		_, _ = io.WriteString(strayed.Conn, noTLS)
	}
	return n, err
}

// noTLS is for who speaks plaintext where TLS is spoken.
const noTLS = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks TLS: the URL begins with https://\n"

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.unused, c)
}

// Close closes the connection. One that lingers first reads what the client is
// still sending: else the reset would overtake the reply.
func (c *conn) Close() error {
	defer c.leave()
	c.arrived()
	if c.linger.Load() {
		_ = c.tcp.CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.tcp, lingerBytes)
	}
	return c.Conn.Close()
}

// leave takes a connection that speaks another protocol from now on out of those
// that end with their next reply.
func (c *conn) leave() {
	c.once.Do(func() {
		c.from.forget(c)
		c.from.open.Done()
	})
}

// lingerAfter has the connection of a request that was not read to its end
// linger after the reply.
func lingerAfter(c *fiber.Ctx) {
	if held, ours := c.Context().Conn().(*conn); ours {
		held.linger.Store(true)
	}
}
