package http

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/identity"
	"atelier/messages"
)

func TestSocketsOfDocumentsEndForAReason(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	large := make([]byte, messages.MaxUpdate+1)
	for name, test := range map[string]struct {
		path string
		send []byte
		code int
	}{
		"no message":                     {"/yjs/" + someDocument, []byte{99}, closeBadFrame},
		"a large update":                 {"/yjs/" + someDocument, ysync.Plain().Update(large), closeTooLarge},
		"a state that is none":           {"/yjs/" + someDocument, ysync.Plain().Awareness([]byte{1, 7, 1, 1, '7'}), closeBadFrame},
		"a large message before a token": {"/hocuspocus", ysync.Enveloped(someDocument).Update(make([]byte, maxFirst)), closeTooLarge},
		"no document":                    {"/yjs/" + someUser, nil, closeNotFound},
		"no envelope":                    {"/hocuspocus", []byte{200}, closeBadFrame},
		"no end of denials":              {"/hocuspocus", nil, closeUnauthenticated},
		"no end of questions":            {"/yjs/" + someDocument, nil, closeAbuse},
		"much before a token":            {"/hocuspocus", nil, closeAbuse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := h.open(t, test.path)
			if test.send != nil {
				c.send(test.send)
			}
			switch name {
			case "no end of denials":
				for range maxDenials + 1 {
					c.send(auth(someDocument, "a.bad.one"))
				}
			case "much before a token":
				for i := range maxWaits/messages.MaxUpdate + 1 {
					c.send(ysync.Enveloped(strings.Repeat("d", i+1)).Update(large))
				}
			case "no end of questions":
				for range askBurst + 1 {
					c.send(ysync.Plain().Step1([]byte{0}))
				}
			}
			require.Equal(t, test.code, c.closed())
		})
	}
	for path, code := range map[string]int{"/yjs/minutes": closeNotFound, "/documents/7/yjs": closeNotFound, "/yjs/" + someDocument + "?room=1": closeBadFrame} {
		require.Equal(t, code, h.open(t, path).closed(), path)
		require.GreaterOrEqual(t, h.ask("GET", base+path, "").StatusCode(), 400, "who opens no socket")
	}
	c := h.open(t, "/hocuspocus")
	x := ysync.Enveloped(someDocument)
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	c.send(x.Update(large))
	require.Equal(t, string(x.Saved(false)), c.next())
	c.send(x.Step2(make([]byte, maxFirst)))
	require.Equal(t, string(x.Saved(true)), c.next(), "what it had, from the time when it was away")
	c.send(auth(someUser, ""))
	require.Equal(t, string(ysync.Enveloped(someUser).Denied(messages.CodeNotFound)), c.next(), "one of several documents")
	other := h.open(t, "/hocuspocus")
	other.send(auth(someUser, ""))
	require.Equal(t, string(ysync.Enveloped(someUser).Denied(messages.CodeNotFound)), other.next())
	h.beatAll()
	require.Equal(t, "\x00\x09", other.next(), "who was denied stays, and hears that the server is there")
	require.NoError(t, c.c.Write(t.Context(), websocket.MessageText, []byte("text")))
	require.Equal(t, closeBadFrame, c.closed())
}

// shortFlows has tokens that expire in a moment.
type shortFlows struct{ fakeFlows }

func (f shortFlows) Authenticate(ctx context.Context, token string) (*identity.Principal, error) {
	if token != "short.one" {
		return f.fakeFlows.Authenticate(ctx, goodToken)
	}
	return &identity.Principal{UserID: someUser, SessionID: someSession, Expires: time.Now().Add(300 * time.Millisecond)}, nil
}

func TestTokensAreAskedForAnew(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.deps.Flows = shortFlows{}
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(auth(someDocument, "short.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	require.Equal(t, string(x.AskToken()), c.next())
	c.send(auth(someDocument, "long.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	c.synced(x, 0)
	c.send(auth(someDocument, "short.one"))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	require.Equal(t, string(x.AskToken()), c.next())
	require.Equal(t, string(x.Denied(messages.CodeTokenExpired)), c.next())
	require.Equal(t, closeUnauthenticated, c.closed())
	plain, _, err := websocket.Dial(t.Context(), "ws://"+h.address+base+"/yjs/"+someDocument, &websocket.DialOptions{Subprotocols: []string{tokenProtocol + "short.one"}}) //nolint:bodyclose // of a handshake there is none
	require.NoError(t, err)
	require.Equal(t, closeUnauthenticated, (&wired{t, plain}).closed())
}
