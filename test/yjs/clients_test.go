package yjs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long something may take that a client waits for.
const patience = 90 * time.Second

// clients is a Node process with providers.
type clients struct {
	mu      sync.Mutex // of what follows
	in      io.Writer
	number  int
	answers map[int]chan answer
}

type answer struct {
	Number int
	Value  json.RawMessage
	Error  string
}

func startClients(t testing.TB) *clients {
	t.Helper()
	n := startNode(t, "providers.mjs")
	c := &clients{in: n.in, answers: make(map[int]chan answer)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(n.out)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var a answer
			if json.Unmarshal(lines.Bytes(), &a) == nil {
				c.answered(a)
			}
		}
	}()
	t.Cleanup(func() {
		_ = n.in.Close()
		<-read
	})
	return c
}

func (c *clients) answered(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wanted := c.answers[a.Number]; wanted != nil {
		wanted <- a
		delete(c.answers, a.Number)
	}
}

// ask makes a request and waits for its answer.
func (c *clients) ask(t testing.TB, request map[string]any) json.RawMessage {
	t.Helper()
	wanted := make(chan answer, 1)
	c.mu.Lock()
	c.number++
	request["number"] = c.number
	c.answers[c.number] = wanted
	b, err := json.Marshal(request)
	if err == nil {
		_, err = c.in.Write(append(b, '\n'))
	}
	c.mu.Unlock()
	require.NoError(t, err)
	select {
	case a := <-wanted:
		require.Empty(t, a.Error, "%v", request)
		return a.Value
	case <-time.After(patience):
		if request["wait"] == nil {
			require.Fail(t, "no answer in time", "%v", request)
		}
		require.Fail(t, "not so in time", "%v: %s", request, c.ask(t, map[string]any{"as": request["as"], "run": "c.state()"}))
		return nil
	}
}

// peer is a document with a provider.
type peer struct {
	of   *clients
	name string
}

// dialed says how a provider is made.
type dialed struct {
	Kind      string            `json:"kind"` // y-websocket, hocuspocus3 or hocuspocus4
	URL       string            `json:"url"`
	Document  string            `json:"document"`
	Token     string            `json:"token,omitempty"`
	Ticket    string            `json:"ticket,omitempty"`
	Protocols []string          `json:"protocols,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Options   map[string]any    `json:"options,omitempty"`
}

func (c *clients) open(t testing.TB, d dialed) *peer {
	t.Helper()
	c.mu.Lock()
	name := fmt.Sprintf("client %d", c.number)
	c.mu.Unlock()
	c.ask(t, map[string]any{"open": d, "as": name})
	return &peer{c, name}
}

// run evaluates an expression about the client, which is c in it.
func (p *peer) run(t testing.TB, code string, into ...any) {
	t.Helper()
	value := p.of.ask(t, map[string]any{"as": p.name, "run": code})
	for _, v := range into {
		require.NoError(t, json.Unmarshal(value, v), "%s", value)
	}
}

// until waits for an expression to be true.
func (p *peer) until(t testing.TB, code string) {
	t.Helper()
	p.of.ask(t, map[string]any{"as": p.name, "wait": code})
}

func (p *peer) close(t testing.TB) {
	t.Helper()
	p.of.ask(t, map[string]any{"as": p.name, "close": true})
}

// text is what the client shows.
func (p *peer) text(t testing.TB) (text string) {
	t.Helper()
	p.run(t, "c.text.toString()", &text)
	return text
}
