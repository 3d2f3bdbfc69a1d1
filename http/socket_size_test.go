package http

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSocketsAtRestAreSmall opens event channels and leaves them alone. What they take
// is measured with the test's own half of them.
func TestSocketsAtRestAreSmall(t *testing.T) {
	const (
		sockets = 2000
		most    = 15 << 10 // bytes of each
	)
	h := hostSockets(t, roomy, nil)
	open := func() net.Conn {
		c, err := net.Dial("tcp", h.address)
		require.NoError(t, err)
		_, err = io.WriteString(c, "GET /api/v1/realtime HTTP/1.1\r\nHost: atelier.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer "+goodToken+"\r\n\r\n\x81\x95\x00\x00\x00\x00"+`{"op":"hello","id":1}`)
		require.NoError(t, err)
		from := bufio.NewReaderSize(c, 4<<10)
		for {
			line, err := from.ReadString('\n')
			require.NoError(t, err)
			if line == "\r\n" {
				break
			}
		}
		head, err := from.Peek(4)
		require.NoError(t, err)
		body, err := from.Peek(4 + int(head[2])<<8 + int(head[3]))
		require.NoError(t, err)
		require.True(t, strings.Contains(string(body), `"hello"`), "%s", body)
		return c
	}
	first := open() // and all that is made once
	defer first.Close()
	before, others := inUse(), runtime.NumGoroutine() // tests that wait for their turn have some, too
	for range sockets {
		defer open().Close()
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < others+sockets+100 }, 20*time.Second, 10*time.Millisecond, "their writers have ended")
	each := (inUse() - before) / sockets
	t.Logf("a socket takes %d bytes", each)
	require.Less(t, each, most)
}

// inUse is what the heap and the stacks take.
func inUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
