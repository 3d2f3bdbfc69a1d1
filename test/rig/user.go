package rig

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const password = "a password of the rig's own"

// User is an account with the tokens of one session.
type User struct {
	ID      string
	Email   string
	Access  string
	Refresh string
	Session string

	mu       sync.Mutex // of the tokens, once a client uses them, and everything below
	signed   time.Time  // when the tokens were made
	renewing bool
}

const (
	renewAfter = 8 * time.Minute // how old an access token, good for 15 minutes, may become
	renewTime  = 2 * time.Second // that whoever needs it waits for a new one
)

// token is an access token, renewed by the client in time. Where that fails the next
// one tries.
func (u *User) token(ctx context.Context, c *Client) string {
	u.mu.Lock()
	due := !u.renewing && !u.signed.IsZero() && time.Since(u.signed) > renewAfter
	if !due {
		defer u.mu.Unlock()
		return u.Access
	}
	u.renewing = true
	refresh := u.Refresh
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	fresh, _ := c.Renew(ctx, refresh)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.renewing = false
	if fresh != nil {
		u.Access, u.Refresh, u.signed = fresh.Access, fresh.Refresh, fresh.signed
	}
	return u.Access
}

func (s *Scenario) newUser(name string) *User {
	return &User{Email: fmt.Sprintf("%s.%x@example.org", name, s.Seed)}
}

// Register makes an account on a node. It is not signed in.
func (s *Scenario) Register(n *Node, name string) *User {
	s.Helper()
	u := s.newUser(name)
	var body struct{ ID string }
	s.Must(n.Client().Register(s.Context(), u.Email).Into(&body))
	u.ID = body.ID
	return u
}

// Administrator makes one who looks after the installation, as operators do. He is
// not signed in.
func (s *Scenario) Administrator(database, name string) *User {
	s.Helper()
	u := s.newUser(name)
	path, err := This()
	s.Must(err)
	cmd := exec.CommandContext(s.Context(), path, "user", "create", "--email", u.Email, "--name", name, "--admin", "--password-stdin")
	cmd.Env = append(environment(), "ATELIER_DATABASE_URL="+database)
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.Output()
	if err == nil {
		_, err = fmt.Sscanf(string(out), "created %s", &u.ID)
	}
	if err != nil {
		s.Fatalf("atelier user create: %v: %s", err, out)
	}
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
	return &User{Access: body.AccessToken, Refresh: body.RefreshToken, Session: body.SessionID, signed: time.Now()}, nil
}

// At is a client of the node that speaks for the user, for as long as his session lasts.
func (u *User) At(n *Node) *Client {
	c := n.Client()
	c.user = u
	return c
}

// Renew exchanges a refresh token for a new pair; nil where it is refused.
func (c *Client) Renew(ctx context.Context, token string) (*User, *Reply) {
	r := c.As("").Do(ctx, http.MethodPost, "/auth/refresh", map[string]string{"refresh_token": token})
	u, err := Tokens(r)
	if err != nil {
		return nil, r
	}
	return u, r
}
