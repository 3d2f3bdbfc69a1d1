package main

import (
	"context"
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// knock is how a socket is opened, and what is said then.
type knock struct {
	path, protocol, header string
	kind                   websocket.MessageType
	says                   []byte
}

// open returns the code that the socket was closed with; 0, and the first thing that was
// answered, if it was not.
func (k knock) open(t *testing.T, p *program) (code int, told string) {
	options := &websocket.DialOptions{HTTPHeader: http.Header{}}
	if name, value, is := strings.Cut(k.header, ": "); is {
		options.HTTPHeader.Set(name, value)
	}
	if k.protocol != "" {
		options.Subprotocols = []string{k.protocol}
	}
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+k.path, options) //nolint:bodyclose // it has none: the connection is the socket
	if err != nil {
		t.Errorf("%s does not open: %v", k.path, err)
		return 0, ""
	}
	defer func() { _ = c.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_ = c.Write(ctx, k.kind, k.says) // it may be closed already
	_, b, err := c.Read(ctx)
	return max(0, int(websocket.CloseStatus(err))), string(b)
}

// waysIn are all ways in which a token opens a kind of sockets.
func waysIn(op *rightsOp, path, document, token string) map[string]knock {
	hello := func(token string) []byte { return []byte(`{"id":1,"op":"hello","token":"` + token + `"}`) }
	auth := func(token string) []byte { // a document's name, the kind of the message, a token
		b := append(binary.AppendUvarint(nil, uint64(len(document))), document...)
		return append(binary.AppendUvarint(append(b, 2, 0), uint64(len(token))), token...)
	}
	headers := func(of knock) map[string]knock {
		byHeader, byCookie := of, of
		byHeader.header, byCookie.header = "Authorization: Bearer "+token, "Cookie: atelier_access="+token
		return map[string]knock{"header": byHeader, "cookie": byCookie}
	}
	var all map[string]knock
	switch op.id {
	case "openRealtime":
		all = headers(knock{path: path, kind: websocket.MessageText, says: hello("")})
		all["hello"] = knock{path: path, kind: websocket.MessageText, says: hello(token)}
	case "openDocument", "openRoom":
		missing := []byte{0, 0, 1, 0} // who has nothing asks for all
		all = headers(knock{path: path, kind: websocket.MessageBinary, says: missing})
		all["protocol"] = knock{path: path, kind: websocket.MessageBinary, says: missing, protocol: "atelier.token." + token}
	case "openDocuments":
		all = headers(knock{path: path, kind: websocket.MessageBinary, says: auth("")})
		all["protocol"] = knock{path: path, kind: websocket.MessageBinary, says: auth(""), protocol: "atelier.token." + token}
		all["message"] = knock{path: path, kind: websocket.MessageBinary, says: auth(token)}
	}
	return all
}

// TestForgedTokensOpenNoSocket: whoever comes with one is told so, by a close or, where
// each document is asked for, by a denial, in whatever way it is sent.
func TestForgedTokensOpenNoSocket(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	p := startProgram(t, store)
	root := admin(t, p)
	_, document := root.newDocument()
	forged := forgeries(t, store, root)
	require.Greater(t, len(forged), 14)
	var asking sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, op := range rightsOps(t, readDocument(t, p)) {
		if op.permission != "socket" {
			continue
		}
		path := strings.ReplaceAll(op.path, "{document_id}", document)
		good := waysIn(op, path, document, root.token)
		require.NotEmpty(t, good, "say in waysIn how %s is opened", op.id)
		for way, k := range good {
			code, told := k.open(t, p)
			require.Zero(t, code, "%s by %s: %s", op.id, way, told)
			require.NotEmpty(t, told, "%s by %s", op.id, way)
			require.NotContains(t, told, "invalid_token", "%s by %s", op.id, way)
		}
		for name, token := range forged {
			for way, k := range waysIn(op, path, document, token) {
				asking.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					code, told := k.open(t, p)
					if op.id != "openDocuments" {
						require.Equal(t, 4401, code, "%s by %s: %s: %s", op.id, way, name, told)
						return
					}
					why := "invalid_token"
					if name == "expired" {
						why = "token_expired"
					}
					require.Contains(t, told, why, "%s by %s: %s: %d", op.id, way, name, code)
				})
			}
		}
	}
	asking.Wait()
}
