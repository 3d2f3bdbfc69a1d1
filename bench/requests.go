package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

const description = "What the project is about, in a sentence as long as such sentences are."

// fill makes a request to the API.
func fill(q *fasthttp.Request, method, path, token string) {
	q.Header.SetMethod(method)
	q.Header.SetRequestURI(path)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	q.Header.SetContentType("application/json")
	q.ResetBody()
}

// api is a contestant that asks the program over that many connections.
func (s *site) api(name string, connections int, who func(n int) client) racer {
	return racer{name, func(ctx context.Context, over span) (lap, error) {
		if err := s.signIn(); err != nil {
			return lap{}, err
		}
		m := s.meter()
		l, err := load{[]string{s.server.address}, connections, who}.run(ctx, over, m.read)
		return m.charge(l, over), err
	}}
}

var serial atomic.Int64 // makes names and keys unique within the run

// create is POST /projects with an Idempotency-Key.
func (s *site) create(connections int) racer {
	return s.api("atelier", connections, func(n int) client { return creating(s.users[n%len(s.users)]) })
}

// creating makes new projects of a person's.
func creating(p *person) client {
	return client{next: func(q *fasthttp.Request) {
		fill(q, "POST", "/api/v1/projects", p.token)
		unique := strconv.FormatInt(serial.Add(1), 10)
		q.Header.Set("Idempotency-Key", "bench-"+unique)
		q.SetBodyString(`{"name":"Project ` + unique + `","description":"` + description + `","settings":{"max_collaborators":20}}`)
	}}
}

// change adds and removes collaborators of one project: every connection its own
// user, in turns.
func (s *site) change(hot *hotProject, connections int) racer {
	inner := s.api(fmt.Sprintf("atelier, %d on one project", connections), connections, func(n int) client {
		return client{
			next: func(q *fasthttp.Request) {
				path := "/api/v1/projects/" + hot.id + "/collaborators"
				if hot.in[n] {
					fill(q, "DELETE", path+"/"+number(n+1), s.users[0].token)
					return
				}
				fill(q, "POST", path, s.users[0].token)
				q.SetBodyString(`{"user_id":"` + number(n+1) + `","role":"editor"}`)
			},
			answered: func(*fasthttp.Response) error { hot.in[n] = !hot.in[n]; return nil },
		}
	})
	return racer{inner.name, func(ctx context.Context, over span) (lap, error) {
		if hot.id == "" {
			made, err := s.server.found(s.users[0], 1, `,"settings":{"max_collaborators":1000}`)
			if err != nil {
				return lap{}, err
			}
			hot.id = made[0]
		}
		return inner.race(ctx, over)
	}}
}

// hotProject is the one that all change. It is made when it is first needed.
type hotProject struct {
	id string
	in [members]bool // whether the user of a connection is in; each written by its connection alone
}

// read is GET /projects/{id}.
func (s *site) read(connections int) racer {
	return s.api("atelier", connections, func(int) client { return reading(s.reader, s.owns) })
}

// reading reads a person's projects, in any order.
func reading(p *person, owned []string) client {
	return client{next: func(q *fasthttp.Request) {
		fill(q, "GET", "/api/v1/projects/"+owned[rand.IntN(len(owned))], p.token)
	}}
}

// renaming writes them.
func renaming(p *person, owned []string) client {
	return client{next: func(q *fasthttp.Request) {
		fill(q, "PATCH", "/api/v1/projects/"+owned[rand.IntN(len(owned))], p.token)
		q.SetBodyString(fmt.Sprintf(`{"name":"Name %d"}`, serial.Add(1)))
	}}
}

// list is GET /projects: 20 of the reader's.
func (s *site) list(connections int) racer {
	return s.api("atelier", connections, func(int) client {
		return client{next: func(q *fasthttp.Request) { fill(q, "GET", "/api/v1/projects", s.reader.token) }}
	})
}

// login is POST /auth/login.
func (s *site) login(connections int) racer {
	return s.api("atelier", connections, func(n int) client {
		p := s.users[n%len(s.users)]
		return client{next: func(q *fasthttp.Request) {
			fill(q, "POST", "/api/v1/auth/login", "")
			q.SetBodyString(fmt.Sprintf(`{"email":%q,"password":%q}`, p.email, passphrase))
		}}
	})
}

// refresh is POST /auth/refresh, every connection with a session of its own, whose
// tokens it follows.
func (s *site) refresh(connections int) racer {
	var sessions []person
	field := []byte(`"refresh_token":"`)
	inner := s.api("atelier", connections, func(n int) client {
		p := &sessions[n]
		return client{
			next: func(q *fasthttp.Request) {
				fill(q, "POST", "/api/v1/auth/refresh", "")
				q.SetBodyString(`{"refresh_token":"` + p.refresh + `"}`)
			},
			answered: func(a *fasthttp.Response) error {
				_, rest, found := bytes.Cut(a.Body(), field)
				token, _, closed := bytes.Cut(rest, []byte(`"`))
				if !found || !closed {
					return errors.New("refresh: no refresh_token in the answer")
				}
				p.refresh = string(token)
				return nil
			},
		}
	})
	return racer{inner.name, func(ctx context.Context, over span) (lap, error) {
		for n := len(sessions); n < connections; n++ {
			p := person{email: s.users[n%len(s.users)].email}
			if err := s.server.signIn(&p); err != nil {
				return lap{}, err
			}
			sessions = append(sessions, p)
		}
		return inner.race(ctx, over)
	}}
}

// fiber is the bare Fiber: echo sends a body of the API's own there, hello none.
func (r *rig) fiber(name string, connections int, path string, body func() string) racer {
	return racer{name, func(ctx context.Context, s span) (lap, error) {
		text := body()
		m := &meter{program: r.echo.pids()}
		l, err := load{[]string{r.echo.address}, connections, func(int) client {
			return client{next: func(q *fasthttp.Request) {
				method := "GET"
				if text != "" {
					method = "POST"
				}
				fill(q, method, path, "")
				q.SetBodyString(text)
			}}
		}}.run(ctx, s, m.read)
		return m.charge(l, s), err
	}}
}

func (r *rig) hello(connections int) racer {
	return r.fiber("Fiber hello", connections, "/hello", func() string { return "" })
}

func (r *rig) echoProject(connections int) racer {
	return r.fiber("Fiber JSON echo", connections, "/project", func() string { return r.body("/api/v1/projects/" + r.owns[0]) })
}

func (r *rig) echoList(connections int) racer {
	return r.fiber("Fiber JSON echo", connections, "/list", func() string { return r.body("/api/v1/projects") })
}

// body is what the API answers to the reader.
func (s *site) body(path string) string {
	var body rawBody
	if err := s.server.ask("GET", path, s.reader.token, "", &body); err != nil {
		panic(err) // it was answered a moment ago
	}
	return string(body)
}

// rawBody keeps JSON as it came.
type rawBody []byte

// UnmarshalJSON keeps the bytes.
func (b *rawBody) UnmarshalJSON(text []byte) error { *b = append((*b)[:0], text...); return nil }
