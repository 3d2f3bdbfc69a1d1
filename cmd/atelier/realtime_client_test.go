package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// listener is a client of the event channel.
type listener struct {
	t     testing.TB
	conn  *websocket.Conn
	mu    sync.Mutex
	came  *sync.Cond
	heard []*answer // answers and pushes, until somebody waits for them
	ended error     // of the socket
	next  int
}

// patience is how long a test waits for what must come, on a busy machine.
const patience = time.Minute

// dialRealtime opens the event channel. Headers are pairs "Name: value".
func dialRealtime(t testing.TB, p *program, query string, headers ...string) (*listener, error) {
	t.Helper()
	l, err := dialSilent(t, p, query, headers...)
	if err == nil {
		l.hear()
	}
	return l, err
}

// dialSilent opens it and reads nothing.
func dialSilent(t testing.TB, p *program, query string, headers ...string) (*listener, error) {
	t.Helper()
	h := http.Header{}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		h.Add(name, value)
	}
	c, r, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+api+"/realtime"+query, &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"atelier.v1+json"}}) //nolint:bodyclose // it has none: the connection is the socket
	if err != nil {
		if r != nil {
			return nil, fmt.Errorf("%d: %w", r.StatusCode, err)
		}
		return nil, err
	}
	require.Equal(t, "atelier.v1+json", c.Subprotocol())
	c.SetReadLimit(4 << 20)
	l := &listener{t: t, conn: c}
	l.came = sync.NewCond(&l.mu)
	t.Cleanup(func() { _ = c.CloseNow() })
	return l, nil
}

// hear begins to read.
func (l *listener) hear() {
	read := make(chan struct{})
	go func() {
		defer close(read)
		l.listen()
	}()
	l.t.Cleanup(func() {
		_ = l.conn.CloseNow()
		<-read
	})
}

func (l *listener) listen() {
	for {
		_, text, err := l.conn.Read(context.Background())
		l.mu.Lock()
		if err != nil {
			l.ended = err
			l.came.Broadcast()
			l.mu.Unlock()
			return
		}
		var all []json.RawMessage
		if text[0] != '[' {
			all = []json.RawMessage{text}
		} else if err := json.Unmarshal(text, &all); err != nil {
			panic(err)
		}
		for _, one := range all {
			l.heard = append(l.heard, &answer{body: one})
		}
		l.came.Broadcast()
		l.mu.Unlock()
	}
}

// await takes the first of what has come that fits. What does not is left.
func (l *listener) await(what string, fits func(*answer) bool) *answer {
	l.t.Helper()
	a := l.search(fits)
	if a == nil {
		require.Fail(l.t, "it did not come: "+what, "%v; the socket: %v", l.all(), l.ended)
	}
	return a
}

func (l *listener) search(fits func(*answer) bool) *answer {
	late := time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.ended == nil {
			l.ended = context.DeadlineExceeded
		}
		l.came.Broadcast()
	})
	defer late.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for i, a := range l.heard {
			if fits(a) {
				l.heard = append(l.heard[:i:i], l.heard[i+1:]...)
				return a
			}
		}
		if l.ended != nil {
			return nil
		}
		l.came.Wait()
	}
}

func (l *listener) all() (texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.heard {
		texts = append(texts, string(a.body))
	}
	return texts
}

// ask sends a message and waits for its answer.
func (l *listener) ask(message object) *answer {
	l.t.Helper()
	l.next++
	id := l.next
	l.send(with(message, object{"id": id}))
	return l.await(fmt.Sprintf("the answer to %v", message), func(a *answer) bool { return a.number("re") == id })
}

func (l *listener) send(message any) {
	l.t.Helper()
	text, err := json.Marshal(message)
	require.NoError(l.t, err)
	require.NoError(l.t, l.conn.Write(l.t.Context(), websocket.MessageText, text))
}

// push waits for something that the server says by itself.
func (l *listener) push(kind string) *answer {
	l.t.Helper()
	return l.await(kind, func(a *answer) bool { return a.text("ev") == kind })
}

// closed waits for the end, and is its code.
func (l *listener) closed() int {
	l.t.Helper()
	l.search(func(*answer) bool { return false })
	return int(websocket.CloseStatus(l.ended))
}

// problem is the code of a refusal.
func (a *answer) problem() string { return a.at("err").text("code") }

// listen opens the event channel as the client, and says hello.
func (c *client) listen(t testing.TB, p *program) *listener {
	t.Helper()
	l, err := dialRealtime(t, p, "", "Authorization: Bearer "+c.token)
	require.NoError(t, err)
	hello := l.ask(object{"op": "hello", "client": "test/1"}).at("hello")
	require.Equal(t, c.session, hello.text("session"), "%s", hello.body)
	return l
}

// watch subscribes to a project.
func (l *listener) watch(project string, since ...object) *answer {
	l.t.Helper()
	m := object{"op": "sub", "project": project}
	if len(since) > 0 {
		m["since"] = since[0]
	}
	a := l.ask(m)
	require.NotEmpty(l.t, a.at("sub").text("log"), "%s", a.body)
	return a.at("sub")
}
