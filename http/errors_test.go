package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// failing is the edge over a project that answers so.
func failing(log *bytes.Buffer, get func() (*messages.Project, error)) *Server {
	s := fakeServer()
	s.deps.Projects = fakeProjects{get: get}
	s.deps.Log = slog.New(slog.NewTextHandler(log, nil))
	return s
}

const somePath = base + "/projects/" + someProject

// TestWhatClientsLearnOfErrors: refusals as they are, of everything else nothing
// but where to find it in the log.
func TestWhatClientsLearnOfErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
		logged string
	}{
		"a refusal":         {messages.Missing("project"), 404, "not_found", ""},
		"a wrapped one":     {fmt.Errorf("a query: %w", messages.Refuse(messages.CodeForbidden, "no")), 403, "forbidden", ""},
		"out of time":       {fmt.Errorf("a query: %w", context.DeadlineExceeded), 504, "timeout", ""},
		"unreachable":       {fmt.Errorf("dial secret.host: %w", messages.Refuse(messages.CodeUnavailable, "away")), 503, "unavailable", "secret.host"},
		"moving":            {messages.Refuse(messages.CodeMoved, "the entity is not here"), 503, "unavailable", ""},
		"unknown outcome":   {messages.Refuse(messages.CodeOutcomeUnknown, "?"), 504, "timeout", ""},
		"an inner code":     {messages.Refuse(messages.CodeTokenReused, "?"), 500, "internal", "token_reused"},
		"a code of newer":   {messages.Refuse("no_such_code", "?"), 500, "internal", "no_such_code"},
		"any other":         {errors.New("SELECT secret FROM places"), 500, "internal", "SELECT secret FROM places"},
		"with nothing said": {messages.Refuse(messages.CodeInvalidState, ""), 409, "invalid_state", ""},
	} {
		var log bytes.Buffer
		response := failing(&log, func() (*messages.Project, error) { return nil, c.err }).ask("GET", somePath, "", "X-Request-Id", "r1")
		var p problemBody
		require.NoError(t, json.Unmarshal(response.Body(), &p), name)
		require.Equal(t, []any{c.status, c.code, "r1", somePath}, []any{response.StatusCode(), p.Code, p.RequestID, p.Instance}, name)
		require.NotEmpty(t, p.Detail)
		require.NotContains(t, string(response.Body()), "secret", name)
		require.Equal(t, c.status == 503, len(response.Header.Peek("Retry-After")) > 0, name)
		require.Contains(t, log.String(), c.logged, name)
		if c.logged != "" {
			require.Contains(t, log.String(), "request_id=r1", name)
			require.Equal(t, 1, strings.Count(log.String(), "\n"), "logged once")
		}
	}
}

func TestPanicsAreTheirRequestsAlone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := failing(&log, func() (*messages.Project, error) { panic("a defect") })
	for range 3 { // the in-flight count goes down again
		require.Equal(t, 500, s.ask("GET", somePath, "", "X-Request-Id", "r1").StatusCode())
	}
	require.Zero(t, s.inFlight.Load())
	require.Contains(t, log.String(), "a defect")
	require.Contains(t, log.String(), "errors_test.go", "with the stack")
	require.Equal(t, 200, s.ask("GET", base+"/users/me", "").StatusCode())
}

func TestTooManyInFlight(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	began, finish := make(chan struct{}), make(chan struct{})
	s := failing(&log, func() (*messages.Project, error) { began <- struct{}{}; <-finish; return fakeProject(), nil })
	s.config.MaxInFlight = 1
	first := make(chan int)
	go func() { first <- s.ask("GET", somePath, "").StatusCode() }()
	<-began
	refused := s.ask("GET", base+"/users/me", "")
	require.Equal(t, 503, refused.StatusCode())
	require.Contains(t, string(refused.Body()), `"overloaded"`)
	require.Equal(t, "1", string(refused.Header.Peek("Retry-After")))
	require.Equal(t, 200, s.ask("GET", "/livez", "").StatusCode(), "health is asked all the same")
	close(finish)
	require.Equal(t, 200, <-first)
	require.Equal(t, 200, s.ask("GET", base+"/users/me", "").StatusCode())
}

// TestDraining: while the server stops it says so, and replies end their
// connections.
func TestDraining(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	require.False(t, s.ask("GET", somePath, "").ConnectionClose())
	require.Equal(t, 200, s.ask("GET", "/readyz", "").StatusCode())
	s.draining.Store(true)
	require.True(t, s.ask("GET", somePath, "").ConnectionClose())
	not := s.ask("GET", "/readyz", "")
	require.Equal(t, 503, not.StatusCode())
	require.JSONEq(t, `{"status":"not ready","reasons":["the node is shutting down"]}`, string(not.Body()))
}
