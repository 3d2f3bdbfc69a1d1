package faults_test

import (
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// Twenty tabs present one refresh token at once, to two processes: all get one
// and the same child. Presented again once the child is in use and the grace
// period is over, the token is stolen and the session ends everywhere.
func TestParallelRefreshesHaveOneChild(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := []*rig.Node{s.Start("a", url), s.Start("b", url)}
	user := s.Register(nodes[0], "user")
	newest := s.SignIn(nodes[0], user)
	var parent string
	for range refreshRounds {
		parent = newest.Refresh
		newest = refreshAtOnce(s, nodes, parent)
	}
	refreshAtOnce(s, nodes, newest.Refresh) // the child of the last parent is in use
	again, r := nodes[1].Client().Renew(s.Context(), parent)
	if again == nil || again.Refresh != newest.Refresh {
		s.Found("a parent presented again was answered %s", r)
	}
	other := s.SignIn(nodes[1], user)
	time.Sleep(afterGrace)
	for _, r := range presentAtOnce(s, nodes, parent) {
		if !r.Is("session_revoked") {
			s.Found("a stolen token was answered %s", r)
		}
	}
	for _, n := range nodes {
		if _, r := n.Client().Renew(s.Context(), newest.Refresh); !r.Is("session_revoked") {
			s.Found("after the theft node %s answered the newest refresh token with %s", n.Name, r)
		}
		if r := newest.At(n).Do(s.Context(), "GET", "/users/me", nil); !r.Is("session_revoked") {
			s.Found("after the theft node %s answered the access token with %s", n.Name, r)
		}
		if r := other.At(n).Do(s.Context(), "GET", "/users/me", nil); !r.OK() {
			s.Found("after the theft node %s answered another session of the user with %s", n.Name, r)
		}
	}
	judgeTheft(s, s.Database(url, nil), user)
}

const (
	tabs       = 20
	afterGrace = 11 * time.Second
)

// presentAtOnce presents a token through all nodes.
func presentAtOnce(s *rig.Scenario, nodes []*rig.Node, token string) []*rig.Reply {
	replies := make([]*rig.Reply, tabs)
	start := make(chan struct{})
	var presenting sync.WaitGroup
	for i := range replies {
		c := nodes[i%len(nodes)].Client()
		presenting.Go(func() {
			<-start
			_, replies[i] = c.Renew(s.Context(), token)
		})
	}
	close(start)
	presenting.Wait()
	return replies
}

// refreshAtOnce expects all to get the same child.
func refreshAtOnce(s *rig.Scenario, nodes []*rig.Node, token string) *rig.User {
	var child *rig.User
	for _, r := range presentAtOnce(s, nodes, token) {
		u, err := rig.Tokens(r)
		if err != nil {
			s.Fatalf("found: a refresh was refused: %v", err)
		}
		if child != nil && child.Refresh != u.Refresh {
			s.Found("one token has two children")
		}
		child = u
	}
	return child
}

// judgeTheft looks for the theft in the user's log: once, with a log that has no
// gap.
func judgeTheft(s *rig.Scenario, db *rig.Database, user *rig.User) {
	events, err := db.Log(s.Context(), "users/"+user.ID)
	s.Must(err)
	thefts := 0
	for i, e := range events {
		if e.Seq != int64(i+1) {
			s.Found("the user's log has seq %d at place %d", e.Seq, i+1)
		}
		if e.Type == "session.reuse_detected" {
			thefts++
		}
	}
	if thefts != 1 {
		s.Found("the user's log tells of %d thefts", thefts)
	}
}
