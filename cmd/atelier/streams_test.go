package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stream is a reader of server-sent events.
type stream struct {
	t      testing.TB
	lines  *bufio.Scanner
	status int
	header http.Header
	end    func()
}

// field is one event of a stream.
type field struct {
	id, name string
	*answer
}

// stream opens a project's stream.
func (c *client) stream(t testing.TB, path string, headers ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", c.base+api+path, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := c.http.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { response.Body.Close() })
	return &stream{t: t, lines: bufio.NewScanner(response.Body), status: response.StatusCode, header: response.Header, end: func() { response.Body.Close() }}
}

// next is the next event; nil: the stream has ended.
func (s *stream) next() *field {
	f := &field{answer: &answer{}}
	for s.lines.Scan() {
		line := s.lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "":
			if f.body != nil {
				return f
			}
		case "id":
			f.id = value
		case "event":
			f.name = value
		case "data":
			f.body = []byte(value)
		}
	}
	return nil
}

// named is the next event of a name.
func (s *stream) named(name string) *field {
	s.t.Helper()
	for {
		f := s.next()
		require.NotNil(s.t, f, "%s does not come: %v", name, s.lines.Err())
		if f.name == name {
			return f
		}
	}
}

// TestStreams reads a project's events as they happen, over HTTP alone.
func TestStreams(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		id, path := newProject(t, ada)
		position := ada.get(path).header.Get("Atelier-Position")
		log, _, _ := strings.Cut(position, ":")
		s := ada.stream(t, path+"/events")
		require.Equal(t, 200, s.status)
		require.Equal(t, "text/event-stream", s.header.Get("Content-Type"))
		require.Equal(t, "no", s.header.Get("X-Accel-Buffering"))
		require.Empty(t, s.header.Get("Content-Encoding"))
		require.Equal(t, "private, no-store", s.header.Get("Cache-Control"))
		require.NotEmpty(t, s.header.Get("X-Request-Id"))
		require.Equal(t, "presence", s.next().name)
		for i := 2; i <= 20; i++ {
			ada.patch(path, object{"name": fmt.Sprint("Pier ", i)}).want(t, 200)
			e := s.named("")
			require.Equal(t, fmt.Sprint(log, ":", i), e.id)
			require.Equal(t, i, e.number("seq"))
			require.Equal(t, id, e.text("project_id"))
			require.Equal(t, fmt.Sprint("Pier ", i), e.at("data").text("name"))
		}
		s.end()

		again := ada.stream(t, path+"/events?since=1", "Last-Event-ID: "+position)
		for i := 2; i <= 20; i++ {
			require.Equal(t, fmt.Sprint(log, ":", i), again.named("").id)
		}
		require.Equal(t, 20, again.named("caught_up").number("seq"))
		require.Equal(t, fmt.Sprint(log, ":", 18), ada.stream(t, path+"/events?since=17").named("").id, "a seq alone is one of this log")
		reset := ada.stream(t, path+"/events?since=other:3").named("reset")
		require.Equal(t, fmt.Sprint(log, ":", 20), reset.id)
		require.Equal(t, "Pier 20", reset.text("name"))

		require.Equal(t, 404, bob.stream(t, path+"/events").status)
		require.Equal(t, 404, ada.nobody().stream(t, path+"/events").status)
		require.Equal(t, 400, ada.stream(t, path+"/events?since=x").status)
		require.Equal(t, 200, ada.get(path+"/events").status, "without Accept it pages")

		ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "viewer"}).created(t)
		his := bob.stream(t, path+"/events")
		his.named("presence") // what is live may be behind: his coming may be told first
		ada.patch(path+"/collaborators/"+bob.user, object{"role": "editor"}).want(t, 200)
		require.Equal(t, "editor", his.named("role").text("role"))
		ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
		require.Equal(t, "not_found", his.named("revoked").text("code"))
		require.Nil(t, his.next(), "it ends with the right")

		ada.patch(path, object{"settings": object{"public": true}}).want(t, 200)
		public := ada.nobody().stream(t, path+"/events")
		public.named("presence")
		ada.patch(path, object{"settings": object{"public": false}}).want(t, 200)
		for f := public.next(); f != nil; f = public.next() {
			require.Contains(t, []string{"", "revoked"}, f.name)
			require.NotContains(t, string(f.body), `"public":false`)
		}
	})
}

// TestStreamsOverOldProxies: a proxy that speaks HTTP/1.0 gets what ends with the
// connection.
func TestStreamsOverOldProxies(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["embedded"](t))
	ada := signUp(t, p, "ada")
	_, path := newProject(t, ada)
	conn, err := net.Dial("tcp", p.api.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET %s%s/events HTTP/1.0\r\nHost: atelier.test\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", api, path, ada.token)
	require.NoError(t, err)
	lines := bufio.NewReader(conn)
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := lines.ReadString('\n')
		require.NoError(t, err, head)
		head += line
	}
	require.NotContains(t, strings.ToLower(head), "chunked")
	ada.patch(path, object{"name": "Pier"}).want(t, 200)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if data, is := strings.CutPrefix(line, "data: "); is && strings.Contains(data, "Pier") {
			var event object
			require.NoError(t, json.Unmarshal([]byte(data), &event))
			break
		}
	}
	p.edge.Retire()
	_, err = io.Copy(io.Discard, lines)
	require.NoError(t, err)
}
