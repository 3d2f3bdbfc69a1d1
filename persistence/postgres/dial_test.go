package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// grave is a way to a server that can vanish: of the connections that were there nothing
// comes any more, nor do requests to cancel have an answer. New ones find another server.
type grave struct {
	server string
	shut   atomic.Pointer[chan struct{}] // of the connections that are made now
	end    chan struct{}
}

func (g *grave) vanish() {
	next := make(chan struct{})
	close(*g.shut.Swap(&next))
}

// waylaid is the URL of a server by way of a grave.
func waylaid(t *testing.T, text string) (string, *grave) {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &grave{server: u.Host, end: make(chan struct{})}
	first := make(chan struct{})
	g.shut.Store(&first)
	var carrying sync.WaitGroup
	carrying.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { g.carry(client) })
		}
	})
	t.Cleanup(func() {
		close(g.end)
		listener.Close()
		carrying.Wait()
	})
	u.Host = listener.Addr().String()
	return u.String(), g
}

func (g *grave) carry(client net.Conn) {
	defer client.Close()
	const cancel = 80877102
	var head [8]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return
	}
	if binary.BigEndian.Uint32(head[4:]) == cancel {
		<-g.end
		return
	}
	server, err := net.Dial("tcp", g.server)
	if err != nil {
		return
	}
	defer server.Close()
	_, _ = server.Write(head[:])
	shut, ended := *g.shut.Load(), make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			buffer := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buffer)
				select {
				case <-shut:
					<-g.end
				default:
					_, _ = way[1].Write(buffer[:n])
				}
				if err != nil {
					ended <- struct{}{}
					return
				}
			}
		}()
	}
	select {
	case <-ended:
	case <-g.end:
	}
}

// A server that vanishes keeps none of its connections' places: whoever asks another one,
// a moment later, has one.
func TestAVanishedServerBlocksNoConnection(t *testing.T) {
	t.Parallel()
	way, server := waylaid(t, migrated(t))
	db := connect(t, way)
	incarnation, _, err := db.Leases().Acquire(t.Context(), "n1", "", "", time.Minute)
	require.NoError(t, err)
	renew := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, _, _, err := db.Leases().Renew(ctx, "n1", incarnation, time.Minute, true)
		return err
	}
	require.NoError(t, renew(10*time.Second))
	server.vanish()
	require.ErrorIs(t, renew(300*time.Millisecond), context.DeadlineExceeded)
	require.Eventually(t, func() bool { return renew(4*time.Second) == nil }, 10*time.Second, time.Millisecond, "by a new connection")
}
