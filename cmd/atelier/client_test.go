package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

type object = map[string]any

// client talks to a server as one user, or as nobody.
type client struct {
	t       testing.TB
	base    string
	token   string
	refresh string
	session string
	user    string
	email   string
	http    *http.Client
}

const goodPassword = "a quiet harbour at dusk"

var people atomic.Int64

// signUp registers a new user and signs in.
func signUp(t testing.TB, p *program, name string) *client {
	t.Helper()
	c := p.client(t)
	c.email = fmt.Sprintf("%s-%d@example.com", name, people.Add(1))
	user := c.post("/auth/register", object{"email": c.email, "name": name, "password": goodPassword}).created(t)
	c.user = user.text("id")
	return c.signIn(t)
}

// admin is a new administrator of the installation.
func admin(t testing.TB, p *program) *client {
	t.Helper()
	c := p.client(t)
	c.email = fmt.Sprintf("admin-%d@example.com", people.Add(1))
	_, err := newUser{Email: c.email, Name: "Admin", Password: goodPassword, Admin: true}.register(t.Context(), p.Flows)
	require.NoError(t, err)
	return c.signIn(t)
}

// signIn opens a further session of the same user.
func (c *client) signIn(t testing.TB) *client {
	t.Helper()
	return c.took(c.post("/auth/login", object{"email": c.email, "password": goodPassword}).want(t, 200))
}

// took is the client with the tokens of an answer.
func (c *client) took(a *answer) *client {
	next := *c
	next.token, next.refresh, next.session = a.text("access_token"), a.text("refresh_token"), a.text("session_id")
	next.user = a.at("user").text("id")
	return &next
}

// as is this client with another's tokens.
func (c *client) as(other *client) *client {
	next := *other
	next.base, next.http = c.base, c.http
	return &next
}

// nobody is the client without a token.
func (c *client) nobody() *client {
	next := *c
	next.token = ""
	return &next
}

// answer is a reply.
type answer struct {
	status int
	header http.Header
	body   []byte
}

const api = "/api/v1"

func (c *client) get(path string, headers ...string) *answer {
	return c.do("GET", api+path, nil, headers...)
}
func (c *client) post(path string, body any, headers ...string) *answer {
	return c.do("POST", api+path, body, headers...)
}
func (c *client) put(path string, body any, headers ...string) *answer {
	return c.do("PUT", api+path, body, headers...)
}
func (c *client) patch(path string, body any, headers ...string) *answer {
	return c.do("PATCH", api+path, body, headers...)
}
func (c *client) delete(path string, headers ...string) *answer {
	return c.do("DELETE", api+path, nil, headers...)
}

// do sends a request: a []byte or string body as it is, any other as JSON.
// Headers are pairs "Name: value".
func (c *client) do(method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	require.NoError(c.t, err, "%s %s", method, path)
	return a
}

func (c *client) try(method, path string, body any, headers ...string) (*answer, error) {
	if c.http == nil {
		c.http = httpClient(c.t)
	}
	var content []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		content = b
	case string:
		content = []byte(b)
	default:
		content, _ = json.Marshal(b)
	}
	request, err := http.NewRequest(method, c.base+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	given := http.Header{}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		given.Add(name, value)
	}
	maps.Copy(request.Header, given)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return &answer{response.StatusCode, response.Header, read}, err
}

// want is the answer, which must have that status.
func (a *answer) want(t testing.TB, status int) *answer {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	return a
}

func (a *answer) created(t testing.TB) *answer { t.Helper(); return a.want(t, 201) }

// refused is the answer, which must be that problem.
func (a *answer) refused(t testing.TB, status int, code string) *answer {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	require.Equal(t, code, a.text("code"), "%s", a.body)
	require.Equal(t, "/problems/"+code, a.text("type"))
	require.Equal(t, a.header.Get("X-Request-Id"), a.text("request_id"))
	require.NotEmpty(t, a.text("detail"))
	return a
}

func (a *answer) object() (o object) { _ = json.Unmarshal(a.body, &o); return o }

func (a *answer) at(name string) *answer {
	inner, _ := json.Marshal(a.object()[name])
	return &answer{body: inner}
}

func (a *answer) text(name string) string { s, _ := a.object()[name].(string); return s }
func (a *answer) number(name string) int  { n, _ := a.object()[name].(float64); return int(n) }
func (a *answer) list(name string) []any  { l, _ := a.object()[name].([]any); return l }
func (a *answer) items() (items []object) {
	for _, item := range a.list("items") {
		items = append(items, item.(object))
	}
	return items
}

func (a *answer) version(t testing.TB) int {
	t.Helper()
	v, err := strconv.Atoi(strings.Trim(a.header.Get("ETag"), `"`))
	require.NoError(t, err, "the ETag is %q", a.header.Get("ETag"))
	return v
}

// with is an object with further fields.
func with(o object, more object) object {
	o = maps.Clone(o)
	maps.Copy(o, more)
	return o
}
