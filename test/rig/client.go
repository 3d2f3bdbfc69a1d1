package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// Client speaks to one node, as one user or as nobody.
type Client struct {
	Node *Node

	token   string // access token; empty: nobody
	user    *User  // whose newest token goes before it; nil: nobody's
	http    *http.Client
	address func() string
}

// requestTime is how long a client waits: longer than the server may take.
const requestTime = 15 * time.Second

// Client is a client of the node with connections of its own.
func (n *Node) Client() *Client {
	return &Client{Node: n, address: n.Address, http: pooled()}
}

// pooled closes connections that nobody has used for a while: long scenarios make more
// clients than a process may have files.
func pooled() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, IdleConnTimeout: 10 * time.Second, DisableCompression: true}}
}

// Through is the same client behind a proxy: one connection for each request,
// so that nothing is sent again that nobody asked for.
func (c *Client) Through(p *Proxy) *Client {
	through := *c
	through.address, through.http = p.Address, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return &through
}

// As is the same client for another token.
func (c *Client) As(token string) *Client {
	as := *c
	as.token, as.user = token, nil
	return &as
}

// Token is the access token of the client's requests; empty: nobody's.
func (c *Client) Token(ctx context.Context) string {
	if c.user == nil {
		return c.token
	}
	return c.user.token(ctx, c)
}

// Outcome is what a caller knows of a request afterwards.
type Outcome int

// Outcomes. An unknown one may have been carried out, or may yet be.
const (
	Unknown Outcome = iota
	Answered
	NotDone // certainly not carried out: refused as busy or unavailable, or never sent
)

// Reply is the end of a request.
type Reply struct {
	Outcome Outcome
	Status  int    // 0 without an answer
	Code    string // of the problem
	Header  http.Header
	Body    []byte
	Err     error // of the connection
	Fresh   bool  // the connection was made for this request
}

// OK reports an answer of success.
func (r *Reply) OK() bool { return r.Outcome == Answered && r.Status < 300 }

// Is reports a refusal by its code.
func (r *Reply) Is(code string) bool { return r.Outcome == Answered && r.Code == code }

// Replayed reports whether the answer is a stored one.
func (r *Reply) Replayed() bool { return r.Header.Get("Idempotency-Replayed") == "true" }

func (r *Reply) String() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	body := bytes.TrimSpace(r.Body)
	return fmt.Sprintf("%d %s", r.Status, body[:min(len(body), 240)])
}

// Into decodes the body of a success.
func (r *Reply) Into(v any) error {
	if !r.OK() {
		return fmt.Errorf("answered %s", r)
	}
	return json.Unmarshal(r.Body, v)
}

// Header is a header of one request.
type Header struct{ Name, Value string }

// Key is the header that makes a request repeatable.
func Key(key string) Header { return Header{"Idempotency-Key", key} }

// Do makes a request below /api/v1 and waits for its end. A body is sent as JSON, or as
// it is where it is []byte.
func (c *Client) Do(ctx context.Context, method, path string, body any, headers ...Header) *Reply {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var content io.Reader
	kind := "application/json"
	if raw, is := body.([]byte); is {
		content, kind = bytes.NewReader(raw), "application/octet-stream"
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // bodies are the rig's own
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.address()+"/api/v1"+path, content)
	if err != nil {
		panic(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	if token := c.Token(ctx); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		request.Header.Set(h.Name, h.Value)
	}
	began := time.Now()
	fresh := false
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { fresh = !i.Reused }}))
	r := reply(c.http.Do(request))
	r.Fresh = fresh
	c.Node.scenario.tally.request(c.Node.Name, path, began, r.Outcome)
	return r
}

func reply(answer *http.Response, err error) *Reply {
	if err != nil {
		return &Reply{Outcome: unanswered(err), Err: err}
	}
	defer answer.Body.Close()
	r := &Reply{Outcome: Answered, Status: answer.StatusCode, Header: answer.Header}
	if r.Body, err = io.ReadAll(answer.Body); err != nil {
		return &Reply{Outcome: Unknown, Err: err}
	}
	if r.Status >= 400 {
		var problem struct{ Code string }
		_ = json.Unmarshal(r.Body, &problem)
		r.Code = problem.Code
	}
	switch {
	case r.Status == http.StatusServiceUnavailable:
		r.Outcome = NotDone
	case r.Status >= 500:
		r.Outcome = Unknown
	}
	return r
}

// unanswered tells requests that were never sent from those whose end is open.
func unanswered(err error) Outcome {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return NotDone
	}
	return Unknown
}
