package http

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
)

// socketHost is the edge on a port, with sockets that do what a test says.
type socketHost struct {
	*Server
	address string
}

// hostSockets serves sockets that run does something with.
func hostSockets(t *testing.T, limits socketLimits, run func(*socket)) *socketHost {
	t.Helper()
	s := fakeServer()
	s.app.Get("/socket", func(f *fiber.Ctx) error { return s.upgrade(f, nil, "", limits, run) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return &socketHost{s, l.Addr().String()}
}

func (h *socketHost) dial(t *testing.T) *websocket.Conn {
	t.Helper()
	c, r, err := websocket.Dial(t.Context(), "ws://"+h.address+"/socket", &websocket.DialOptions{HTTPHeader: http.Header{"X-Request-Id": {"socket"}}}) //nolint:bodyclose // it has none: the connection is the socket
	require.NoError(t, err)
	require.Equal(t, 101, r.StatusCode)
	require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	c.SetReadLimit(8 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// seated lets a socket receive: in the name of nobody.
func (h *socketHost) seated(sock *socket) *hold {
	root, _ := h.seat(context.Background(), sock, nil)
	return root
}

var roomy = socketLimits{message: 2 << 20, frames: queueFrames, bytes: queueBytes}

// echo sends back what comes.
func echo(h **socketHost) func(*socket) {
	return func(s *socket) {
		(*h).seated(s)
		for {
			op, message, err := s.receive()
			if err != nil {
				return
			}
			s.send(frame{bytes: framed(op, message)})
		}
	}
}

func TestSocketsCarryMessages(t *testing.T) {
	t.Parallel()
	var h *socketHost
	h = hostSockets(t, roomy, echo(&h))
	c := h.dial(t)
	for _, size := range []int{0, 1, 125, 126, 127, 511, 512, 513, 65535, 65536, 1 << 20, 2 << 20} {
		sent := make([]byte, size)
		_, _ = rand.Read(sent)
		require.NoError(t, c.Write(t.Context(), websocket.MessageBinary, sent))
		kind, got, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, websocket.MessageBinary, kind)
		require.True(t, bytes.Equal(sent, got), "%d bytes", size)
	}
	w, err := c.Writer(t.Context(), websocket.MessageText) // in pieces
	require.NoError(t, err)
	for range 10 {
		_, err := io.WriteString(w, strings.Repeat("ä", 1000))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	kind, got, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, websocket.MessageText, kind)
	require.Equal(t, strings.Repeat("ä", 10_000), string(got))
	c.CloseRead(t.Context())
	require.NoError(t, c.Ping(t.Context()))
	require.NoError(t, c.Close(4000, "bye"))
	require.Eventually(t, func() bool { return h.Sockets() == 0 }, 10*time.Second, 5*time.Millisecond)
	require.EqualValues(t, 0, h.InFlight())
}

// TestBadFramesEndSockets sends what no client may, and is told so.
func TestBadFramesEndSockets(t *testing.T) {
	t.Parallel()
	var h *socketHost
	h = hostSockets(t, socketLimits{message: 1000, frames: 10, bytes: 1 << 20}, echo(&h))
	for name, test := range map[string]struct {
		bytes string
		code  int
	}{
		"a frame without a mask":     {"\x81\x02hi", closeBadFrame},
		"a reserved bit":             {"\xc1\x80\x00\x00\x00\x00", closeBadFrame},
		"an opcode that is none":     {"\x83\x80\x00\x00\x00\x00", closeBadFrame},
		"a control frame in pieces":  {"\x09\x80\x00\x00\x00\x00", closeBadFrame},
		"a long control frame":       {"\x89\xfe\x00\x7e\x00\x00\x00\x00", closeBadFrame},
		"a piece of nothing":         {"\x80\x80\x00\x00\x00\x00", closeBadFrame},
		"a message within another":   {"\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00", closeBadFrame},
		"a text that is no UTF-8":    {"\x81\x81\x00\x00\x00\x00\xff", closeBadFrame},
		"a length beyond all":        {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", closeBadFrame},
		"a message that is too long": {"\x82\xfe\x03\xe9\x00\x00\x00\x00", closeTooLarge},
		"pieces that are too long":   {"\x02\xfe\x03\xe8\x00\x00\x00\x00" + strings.Repeat("x", 1000) + "\x80\x81\x00\x00\x00\x00x", closeTooLarge},
		"a close code that is none":  {"\x88\x82\x00\x00\x00\x00\x03\xed", closeBadFrame},
		"a flood of pings":           {strings.Repeat("\x89\x80\x00\x00\x00\x00", 200), closeAbuse},
		"a flood of pieces":          {"\x02\x80\x00\x00\x00\x00" + strings.Repeat("\x00\x80\x00\x00\x00\x00", 200), closeAbuse},
		"a close, answered as it is": {"\x88\x82\x00\x00\x00\x00\x03\xe8", closeNormal},
		"a close without a code":     {"\x88\x80\x00\x00\x00\x00", closeNormal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", h.address)
			require.NoError(t, err)
			defer c.Close()
			_, err = io.WriteString(c, "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+test.bytes)
			require.NoError(t, err) // with the handshake, so that it is read ahead
			answer, err := io.ReadAll(c)
			require.NoError(t, err)
			head, frames, whole := strings.Cut(string(answer), "\r\n\r\n")
			require.True(t, whole)
			require.Contains(t, head, "Sec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the example of RFC 6455, 1.3")
			at := strings.LastIndex(frames, "\x88")
			require.GreaterOrEqual(t, at, 0, "%q", frames)
			require.Equal(t, test.code, int(frames[at+2])<<8|int(frames[at+3]))
		})
	}
}

func TestHandshakesAreChecked(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	s.app.Get("/socket", func(f *fiber.Ctx) error { return s.upgrade(f, nil, "", roomy, func(*socket) {}) })
	good := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	require.Equal(t, 101, s.ask("GET", "/socket", "", good...).StatusCode())
	for i := 0; i < len(good); i += 2 {
		bad := append([]string{}, good...)
		bad[i+1] = "something"
		require.Equal(t, 400, s.ask("GET", "/socket", "", bad...).StatusCode(), bad[i])
	}
	s.Retire()
	require.Equal(t, 503, s.ask("GET", "/socket", "", good...).StatusCode())
}

// TestASlowReaderIsSeen: what does not fit is the caller's to decide, and a client
// that takes nothing is given up.
func TestASlowReaderIsSeen(t *testing.T) {
	t.Parallel()
	full := make(chan int, 1)
	h := hostSockets(t, socketLimits{message: 10, frames: 100, bytes: 1 << 20}, func(s *socket) {
		s.in(alwaysHeld)
		big := framed(opBinary, make([]byte, 60<<10))
		for n := 0; ; n++ {
			if !s.send(frame{bytes: big}) {
				full <- n
				break
			}
			if n > 100_000 {
				full <- 0
				break
			}
		}
		s.close(closeSlow, "")
	})
	c := h.dial(t)
	require.Positive(t, <-full)
	var err error
	for read := 0; err == nil; read++ {
		_, _, err = c.Read(t.Context())
	}
	require.Equal(t, websocket.StatusCode(closeSlow), websocket.CloseStatus(err), "behind what was queued: %v", err)
}

// TestWritersEndWhenThereIsNothing: a socket at rest has no writer.
func TestWritersEndWhenThereIsNothing(t *testing.T) {
	t.Parallel()
	sockets := make(chan *socket, 1)
	h := hostSockets(t, roomy, func(s *socket) {
		s.in(alwaysHeld)
		sockets <- s
		_, _, _ = s.receive()
	})
	c := h.dial(t)
	s := <-sockets
	require.False(t, s.writing())
	for range 3 {
		require.True(t, s.send(frame{bytes: framed(opText, []byte("hello"))}))
		_, _, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !s.writing() }, 20*time.Second, 10*time.Millisecond)
	}
}

// TestNodesSendSocketsAway: those who are on a node that stops are told, and closed
// with a code to come back by.
func TestNodesSendSocketsAway(t *testing.T) {
	t.Parallel()
	var h *socketHost
	h = hostSockets(t, roomy, echo(&h))
	var all []*websocket.Conn
	for range 20 {
		all = append(all, h.dial(t))
	}
	require.Eventually(t, func() bool { return h.Sockets() == 20 }, 20*time.Second, time.Millisecond)
	h.Retire()
	for _, c := range all {
		_, _, err := c.Read(t.Context())
		require.Equal(t, websocket.StatusCode(closeDraining), websocket.CloseStatus(err), "%v", err)
	}
	require.Eventually(t, func() bool { return h.Sockets() == 0 }, 20*time.Second, 5*time.Millisecond)
	require.EqualValues(t, 20, h.SocketsClosed()[closeDraining])
}

// gauge counts writes to a connection that takes them when it is told to.
type gauge struct {
	net.Conn
	writes  atomic.Int32
	proceed chan struct{}
}

func (g *gauge) Write(b []byte) (int, error) {
	g.writes.Add(1)
	<-g.proceed
	return len(b), nil
}

func (g *gauge) SetWriteDeadline(time.Time) error { return nil }
func (g *gauge) Close() error                     { return errors.Join() }

// TestWhatWaitsGoesOutTogether: frames that come while one is written leave in one
// write.
func TestWhatWaitsGoesOutTogether(t *testing.T) {
	t.Parallel()
	g := &gauge{proceed: make(chan struct{})}
	s := newSocket(g, nil, roomy, noLease{}.Trust)
	s.in(alwaysHeld)
	one := framed(opText, []byte("an event"))
	s.send(frame{bytes: one})
	require.Eventually(t, func() bool { return g.writes.Load() == 1 }, 10*time.Second, time.Millisecond)
	for range 500 {
		require.True(t, s.send(frame{bytes: one}))
	}
	g.proceed <- struct{}{}
	g.proceed <- struct{}{}
	s.mu.Lock()
	for s.busy || len(s.queue) > 0 {
		s.change.Wait()
	}
	s.mu.Unlock()
	require.EqualValues(t, 2, g.writes.Load())
	s.abort(closeGone)
	require.Eventually(t, func() bool { return !s.writing() }, 20*time.Second, 5*time.Millisecond)
}

// TestReadersOfCutSocketsLeave: what hangs on a socket that is cut ends at once, and
// not when its client has answered.
func TestReadersOfCutSocketsLeave(t *testing.T) {
	t.Parallel()
	open := make(chan bool, 1)
	h := hostSockets(t, roomy, func(s *socket) {
		s.in(alwaysHeld)
		go s.cut(closeRevoked, "over", nil)
		_, _, _ = s.receive()
		s.mu.Lock()
		defer s.mu.Unlock()
		open <- !s.done
	})
	c := h.dial(t) // and says nothing
	require.True(t, <-open)
	_, _, err := c.Read(t.Context())
	require.Equal(t, websocket.StatusCode(closeRevoked), websocket.CloseStatus(err), "%v", err)
}
