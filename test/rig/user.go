package rig

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

const password = "a password of the rig's own"

// User is an account with the tokens of one session.
type User struct {
	ID      string
	Email   string
	Access  string
	Refresh string
	Session string
}

// Register makes an account on a node. It is not signed in.
func (s *Scenario) Register(n *Node, name string) *User {
	s.Helper()
	u := &User{Email: fmt.Sprintf("%s.%x@example.org", name, s.Seed)}
	var body struct{ ID string }
	s.Must(n.Client().Register(s.Context(), u.Email).Into(&body))
	u.ID = body.ID
	return u
}

// Register makes an account.
func (c *Client) Register(ctx context.Context, email string) *Reply {
	return c.Do(ctx, "POST", "/auth/register", map[string]string{"email": email, "name": "Someone", "password": password})
}

// Crowd registers n accounts, two at a time: hashing passwords is what takes
// long.
func (s *Scenario) Crowd(node *Node, n int) []*User {
	s.Helper()
	users := make([]*User, n)
	var registering sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range users {
		slots <- struct{}{}
		registering.Go(func() {
			defer func() { <-slots }()
			users[i] = s.Register(node, fmt.Sprintf("member%d", i))
		})
	}
	registering.Wait()
	if s.Failed() {
		s.FailNow() // it ended a goroutine alone
	}
	return users
}

// SignIn opens a session of the user on a node.
func (s *Scenario) SignIn(n *Node, u *User) *User {
	s.Helper()
	signed, err := Tokens(n.Client().Do(s.Context(), "POST", "/auth/login", map[string]string{"email": u.Email, "password": password}))
	s.Must(err)
	signed.ID, signed.Email = u.ID, u.Email
	return signed
}

// Tokens reads an answer that is a pair of tokens.
func Tokens(r *Reply) (*User, error) {
	var body struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		SessionID    string `json:"session_id"`
	}
	if err := r.Into(&body); err != nil {
		return nil, err
	}
	return &User{Access: body.AccessToken, Refresh: body.RefreshToken, Session: body.SessionID}, nil
}

// At is a client of the node that speaks for the user.
func (u *User) At(n *Node) *Client { return n.Client().As(u.Access) }

// Renew exchanges a refresh token for a new pair; nil where it is refused.
func (c *Client) Renew(ctx context.Context, token string) (*User, *Reply) {
	r := c.As("").Do(ctx, http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": token})
	u, err := Tokens(r)
	if err != nil {
		return nil, r
	}
	return u, r
}
