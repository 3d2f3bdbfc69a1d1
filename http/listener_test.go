package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// connected is both ends of a connection that the listener has accepted.
func connected(t *testing.T) (l *listener, server, client net.Conn) {
	t.Helper()
	return connectedBy(t, nil)
}

// connectedBy has the server's end speak TLS.
func connectedBy(t *testing.T, secure *tls.Config) (l *listener, server, client net.Conn) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l = newListener(tcp.(*net.TCPListener), secure, nil)
	client, err = net.Dial("tcp", tcp.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		l.Close()
		client.Close()
		server.Close()
	})
	return l, server, client
}

func TestConnectionsNeverUsedEndWithoutAWord(t *testing.T) {
	t.Parallel()
	_, server, _ := connected(t)
	require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err := server.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

func TestConnectionsNeverUsedDoNotOutlastAStop(t *testing.T) {
	t.Parallel()
	l, server, _ := connected(t)
	require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
	ended := make(chan error)
	go func() {
		_, err := server.Read(make([]byte, 1))
		ended <- err
	}()
	go func() { _, _ = l.Accept() }() // drains
	l.drain(context.Background())
	require.Equal(t, io.EOF, <-ended)
}

func TestConnectionsInUseOutlastAStop(t *testing.T) {
	t.Parallel()
	l, server, client := connected(t)
	_, err := client.Write([]byte("ab"))
	require.NoError(t, err)
	buffer := make([]byte, 1)
	_, err = server.Read(buffer)
	require.NoError(t, err)
	l.endUnused()
	n, err := server.Read(buffer)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	l, server, client = connected(t)
	_, err = client.Write([]byte("c"))
	require.NoError(t, err)
	l.endUnused()
	_, err = server.Read(buffer)
	require.NoError(t, err, "a first byte that came before the end was seen")
}

// Connections come without end while the listener drains: none that got through
// is reset, but for one that falls into the microseconds of the end itself. A
// plain close resets them by the dozen.
func TestDrainingResetsHardlyAConnection(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(tcp.(*net.TCPListener), nil, nil)
	go func() { // greets everyone it accepts
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("!"))
			c.Close()
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	var calling sync.WaitGroup
	var reset atomic.Int64
	warm := make(chan struct{}, 1)
	for range 8 {
		calling.Go(func() {
			for ctx.Err() == nil {
				c, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).Dial("tcp", tcp.Addr().String())
				if err != nil {
					return // refused, or not heard
				}
				if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
					reset.Add(1)
				}
				c.Close()
				select {
				case warm <- struct{}{}:
				default:
				}
			}
		})
	}
	<-warm
	l.drain(ctx)
	cancel()
	calling.Wait()
	require.Less(t, reset.Load(), int64(3))
}

// TestASocketOverTLSEndsAtOnce: a client that does not read delays nobody by the goodbye
// of TLS.
func TestASocketOverTLSEndsAtOnce(t *testing.T) {
	t.Parallel()
	host := httptest.NewTLSServer(nil)
	host.Close() // it has a certificate
	host.TLS.SessionTicketsDisabled = true
	_, server, client := connectedBy(t, host.TLS)
	far := tls.Client(client, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its own
	shaken := make(chan error, 1)
	go func() { shaken <- far.Handshake() }()
	require.NoError(t, server.(*conn).Conn.(*tls.Conn).Handshake())
	require.NoError(t, <-shaken)
	socket, _, ok := takeOver(server)
	require.True(t, ok)
	require.NoError(t, socket.Close())
	more, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Empty(t, more, "of a goodbye")
}

// TestAFullListenerGoesOn: where there is no file for another connection, or as many
// connections as there may be, others wait until one has ended. Sockets count too.
func TestAFullListenerGoesOn(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(tcp.(*net.TCPListener), nil, nil)
	l.most = 2
	lacking := &lacking{Listener: l, errors: []error{
		&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ENFILE)},
	}}
	var said bytes.Buffer
	patient := Patient(lacking, slog.New(slog.NewTextHandler(&said, nil)))
	t.Cleanup(func() { l.Close() })
	dial := func() net.Conn {
		c, err := net.Dial("tcp", tcp.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := patient.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	waits := func(why string) {
		select {
		case <-accepted:
			t.Error(why)
		case <-time.After(20 * time.Millisecond): // or has not begun to wait
		}
	}
	dial()
	waits("there are two")
	require.NoError(t, first.Close())
	_ = first.Close() // counts once
	third := <-accepted
	dial()
	waits("there are two again")
	below, _, ok := takeOver(second)
	require.True(t, ok)
	waits("a socket is a connection")
	require.NoError(t, below.Close())
	(<-accepted).Close()
	third.Close()
	l.Close()
	<-accepted
	require.Zero(t, l.files.Load())
	require.Equal(t, 1, strings.Count(said.String(), "clients wait"), "it is said once in a while: %s", &said)
	require.Contains(t, said.String(), "too many open files")
}

// lacking is a listener that fails some times first.
type lacking struct {
	net.Listener
	errors []error
}

func (l *lacking) Accept() (net.Conn, error) {
	if len(l.errors) > 0 {
		err := l.errors[0]
		l.errors = l.errors[1:]
		return nil, err
	}
	return l.Listener.Accept()
}

func TestSomeFilesAreKept(t *testing.T) {
	t.Parallel()
	for files, most := range map[uint64]int64{64: 32, 512: 256, 1024: 768, 1 << 20: 1<<20 - 256, 1 << 63: 1 << 30} {
		require.Equal(t, most, clientsMost(files))
	}
}
