package main

import (
	"context"
	"fmt"
	"time"
)

// site is the program on a database of its own, and people who use it.
type site struct {
	ours       string // URL of its database
	postmaster int
	server     *child
	also       []int     // processes whose CPU counts as the program's
	users      []*person // who sign in: one for each connection
	reader     *person   // owns exactly the projects in owns
	owns       []string
	signed     time.Time // when they signed in last
}

// person is a user with a session.
type person struct{ id, email, token, refresh string }

// open starts a program on a database of its own, with further settings.
func (r *rig) open(ctx context.Context, name string, settings ...string) (*site, error) {
	s := &site{postmaster: r.postmaster}
	var err error
	if s.ours, err = r.database(ctx, name); err != nil {
		return nil, err
	}
	s.server, err = r.serve(ctx, s.ours, settings...)
	return s, err
}

// populate registers the people, and gives the reader projects that are made as
// the rest of their body says.
func (s *site) populate(ctx context.Context, people int, body string) error {
	progress("registering %d people", people+1)
	all, err := s.server.register(people + 1)
	if err != nil {
		return err
	}
	s.users, s.reader, s.signed = all[:people], all[people], time.Now()
	if s.owns, err = s.server.found(s.reader, owned, body); err != nil {
		return err
	}
	return ctx.Err()
}

// register makes people who are signed in.
func (c *child) register(people int) (all []*person, err error) {
	for n := range people {
		p := &person{email: fmt.Sprintf("person%d@example.com", n)}
		body := fmt.Sprintf(`{"email":%q,"name":"Person %d","password":%q}`, p.email, n, passphrase)
		var user struct{ ID string }
		if err := c.ask("POST", "/api/v1/auth/register", "", body, &user); err != nil {
			return nil, err
		}
		p.id = user.ID
		if err := c.signIn(p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// found makes projects of a person's.
func (c *child) found(p *person, projects int, more string) (ids []string, err error) {
	for n := range projects {
		var project struct{ ID string }
		body := fmt.Sprintf(`{"name":"Project %d","description":%q%s}`, n, description, more)
		if err := c.ask("POST", "/api/v1/projects", p.token, body, &project); err != nil {
			return nil, err
		}
		ids = append(ids, project.ID)
	}
	return ids, nil
}

// signIn gives all people a new token, where the last one may end soon.
func (s *site) signIn() error {
	if time.Since(s.signed) < signedIn {
		return nil
	}
	for _, p := range append(s.users[:len(s.users):len(s.users)], s.reader) {
		if err := s.server.signIn(p); err != nil {
			return err
		}
	}
	s.signed = time.Now()
	return nil
}

func (s *site) meter() *meter {
	return &meter{program: append(s.server.pids(), s.also...), postgres: s.postmaster}
}
