package faults_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	wrongBy    = 5 * time.Minute
	setAfter   = 5 * time.Second  // of a node's start
	nearEnough = 30 * time.Second // of two times that are read one after the other
)

// The clocks of two nodes of a cluster are wrong, one ahead from the beginning and one set
// back while the node runs, and nobody notices: the time of the database decides how long a lease lasts, how old
// a request between nodes is, when a token was made and when it ends, and when
// something happened. A node hangs meanwhile, and is buried by those others.
func TestWrongClocksChangeNothing(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	clocks := map[string]time.Duration{"b": wrongBy, "c": -wrongBy}
	nodes := s.StartClusterWith(url, func(name string) []string {
		switch by := clocks[name]; {
		case by > 0:
			return s.Wrong(by, 0)
		case by < 0:
			return s.Wrong(by, setAfter)
		}
		return nil
	}, "a", "b", "c")
	judgeClocks(s, nodes, clocks)
	users, db, clients := s.Crowd(nodes[0], 12), s.Database(url, nil), ownersOn(s, nodes, cutProjects/cutOwned)
	for i, n := range nodes {
		judgeTimes(s, nodes, n, fmt.Sprintf("signs%d", i))
	}
	for round := range clockRounds {
		frozen := nodes[(round+int(s.Seed%3))%len(nodes)]
		var others []*rig.Node
		for _, n := range nodes {
			if n != frozen {
				others = append(others, n)
			}
		}
		r := &faultRound{s: s, nodes: nodes, clients: clients, during: freezeShortest + time.Second}
		r.observe(users, round)
		r.run(fault{
			name:  frozen.Name + " hangs",
			make:  func() [][]*rig.Node { frozen.Freeze(); return [][]*rig.Node{others} },
			undo:  frozen.Thaw,
			whole: func() error { return rig.AwaitWhole(s.Context(), nodes, healsWithin) },
		}, round)
		judgeHistories(s, db, r.subjects, func(i int) []*rig.Client { return clients[i/cutOwned] })
	}
}

// judgeClocks looks whether the clocks are as wrong as they should be: the Date of
// an answer is by the node's own.
func judgeClocks(s *rig.Scenario, nodes []*rig.Node, clocks map[string]time.Duration) {
	for _, n := range nodes {
		var off time.Duration
		asWanted := func() bool {
			date, err := time.Parse(time.RFC1123, n.Client().Do(s.Context(), "GET", "/users/me", nil).Header.Get("Date"))
			s.Must(err)
			off = time.Until(date) - clocks[n.Name]
			return off.Abs() <= nearEnough
		}
		for until := time.Now().Add(2 * setAfter); !asWanted(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(until) {
				s.Fatalf("the clock of node %s is off by %s more than wanted: this run shows nothing", n.Name, off)
			}
		}
	}
}

// judgeTimes signs in on a node and uses the token on all, and compares the times
// that it and a new project bear with the true one.
func judgeTimes(s *rig.Scenario, nodes []*rig.Node, n *rig.Node, name string) {
	user := s.SignIn(n, s.Register(n, name))
	near := func(what string, at time.Time) {
		if off := time.Since(at); off.Abs() > nearEnough {
			s.Found("node %s: %s is off by %s", n.Name, what, off)
		}
	}
	var claims struct{ Iat, Exp int64 }
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(user.Access, ".")[1])
	s.Must(err)
	s.Must(json.Unmarshal(payload, &claims))
	near("a token's beginning", time.Unix(claims.Iat, 0))
	if lasts := time.Until(time.Unix(claims.Exp, 0)); lasts < time.Minute || lasts > time.Hour {
		s.Found("node %s: a token ends in %s", n.Name, lasts)
	}
	for _, other := range nodes {
		if r := user.At(other).Do(s.Context(), "GET", "/users/me", nil); !r.OK() {
			s.Found("a token of node %s on node %s: %s", n.Name, other.Name, r)
		}
	}
	var project struct {
		CreatedAt time.Time `json:"created_at"`
	}
	s.Must(user.At(n).Do(s.Context(), "POST", "/projects", map[string]string{"name": name}).Into(&project))
	near("a project's creation", project.CreatedAt)
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	if renewed, r := n.Client().Renew(ctx, user.Refresh); renewed == nil {
		s.Found("node %s: a refresh token: %s", n.Name, r)
	}
}
