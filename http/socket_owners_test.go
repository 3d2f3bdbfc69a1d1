package http

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// dialAs opens an event channel, with a token or as nobody. It returns how the
// handshake was answered, where it was refused.
func (h *socketHost) dialAs(t *testing.T, token string) (*websocket.Conn, int) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	c, r, err := websocket.Dial(t.Context(), "ws://"+h.address+base+"/realtime", &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // it has none
	if err != nil {
		require.NotNil(t, r, "%v", err)
		return nil, r.StatusCode
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, r.StatusCode
}

// ofUser is how many sockets the user has.
func (h *socketHost) ofUser() int {
	h.sockets.mu.Lock()
	defer h.sockets.mu.Unlock()
	return h.sockets.owners[owner{user: someUser}]
}

// TestSocketsOfStrangersAreFew: of an address whose users have not said who they are.
// Who says so makes room for the next.
func TestSocketsOfStrangersAreFew(t *testing.T) {
	t.Parallel()
	h := hostSockets(t, roomy, nil)
	h.sockets.most = SocketLimits{User: 2, Address: 3}
	var first *websocket.Conn
	for range 3 {
		c, _ := h.dialAs(t, "")
		require.NotNil(t, c)
		first = c
	}
	require.Eventually(t, func() bool { return h.Sockets() == 3 }, 10*time.Second, time.Millisecond)
	_, status := h.dialAs(t, "")
	require.Equal(t, 429, status, "providers come again, and find room when others have said who they are")
	c, status := h.dialAs(t, goodToken)
	require.Equal(t, 101, status, "users are counted apart")

	require.NoError(t, first.Write(t.Context(), websocket.MessageText, []byte(`{"id":1,"op":"hello","token":"`+goodToken+`"}`)))
	_, answer, err := first.Read(t.Context())
	require.NoError(t, err)
	require.Contains(t, string(answer), `"hello"`)
	_, status = h.dialAs(t, "")
	require.Equal(t, 101, status)

	require.Eventually(t, func() bool { return h.ofUser() == 2 }, 10*time.Second, time.Millisecond) // the handshake is answered before
	third, status := h.dialAs(t, goodToken)
	require.Equal(t, 101, status)
	_, _, err = third.Read(t.Context())
	require.Equal(t, websocket.StatusCode(closeAbuse), websocket.CloseStatus(err), "%v", err)

	require.NoError(t, c.CloseNow())
	require.Eventually(t, func() bool { return h.ofUser() == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, h.Shutdown(context.Background()))
	require.Empty(t, h.sockets.owners)
}

// TestStreamsAreSockets: of who has as many as he may none is opened.
func TestStreamsAreSockets(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.sockets.most = SocketLimits{User: 1, Address: 1}
	s.sockets.owners[owner{user: someUser}] = 1
	r := s.ask("GET", base+"/projects/"+someProject+"/events", "", "Accept", mediaStream)
	require.Equal(t, 429, r.StatusCode())
	require.Contains(t, string(r.Body()), messages.CodeRateLimited)
	require.NotEmpty(t, r.Header.Peek("Retry-After"))
}
