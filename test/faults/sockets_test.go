package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// What is taken away is gone from every open socket on every node once the reply is
// there: no event of what is done after it arrives, and nothing that is sent after it
// takes effect. Meanwhile events go through all of them.
func TestRevocationHoldsOnSockets(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b", "c")
	user := s.Register(nodes[0], "victim")
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	for round := range socketRounds {
		for _, r := range takings {
			revokeOnSockets(s, nodes, owner, s.SignIn(nodes[round%len(nodes)], user), r, round)
			if t.Failed() {
				return
			}
		}
	}
}

// revocation takes something away.
type revocation struct {
	name   string
	role   string // of the victim; empty: he reads a public project
	sees   bool   // he may still read
	revoke func(s *rig.Scenario, at *rig.Node, owner, victim *rig.User, project string) *rig.Reply
}

var takings = []revocation{
	{"removed", "editor", false, func(s *rig.Scenario, at *rig.Node, owner, victim *rig.User, project string) *rig.Reply {
		return owner.At(at).Remove(s.Context(), project, victim.ID)
	}},
	{"signed out", "editor", false, func(s *rig.Scenario, at *rig.Node, _, victim *rig.User, _ string) *rig.Reply {
		return victim.At(at).Do(s.Context(), http.MethodPost, "/auth/logout", nil)
	}},
	{"made private", "", false, func(s *rig.Scenario, at *rig.Node, owner, _ *rig.User, project string) *rig.Reply {
		return owner.At(at).Do(s.Context(), http.MethodPatch, "/projects/"+project, map[string]any{"settings": map[string]any{"public": false}})
	}},
	{"demoted", "editor", true, func(s *rig.Scenario, at *rig.Node, owner, victim *rig.User, project string) *rig.Reply {
		return owner.At(at).ChangeRole(s.Context(), project, victim.ID, "viewer")
	}},
	{"archived", "editor", true, func(s *rig.Scenario, at *rig.Node, owner, _ *rig.User, project string) *rig.Reply {
		return owner.At(at).Do(s.Context(), http.MethodPost, "/projects/"+project+"/archive", nil)
	}},
}

func revokeOnSockets(s *rig.Scenario, nodes []*rig.Node, owner, victim *rig.User, r revocation, round int) {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	at := nodes[(round+1)%len(nodes)]
	p, reply := owner.At(nodes[round%len(nodes)]).CreateProject(ctx, r.name, 3)
	if p == nil {
		s.Fatalf("a project was not created: %s", reply)
	}
	path := "/projects/" + p.ID
	s.Must(owner.At(at).Do(ctx, http.MethodPost, path+"/activate", nil).Into(&struct{}{}))
	if r.role != "" {
		s.Must(owner.At(at).Add(ctx, p.ID, victim.ID, r.role).Into(&struct{}{}))
	} else {
		s.Must(owner.At(at).Do(ctx, http.MethodPatch, path, map[string]any{"settings": map[string]any{"public": true}}).Into(&struct{}{}))
	}
	var his, theirs []*ear
	for _, n := range nodes {
		his = append(his, listen(ctx, s, victim.At(n), p.ID))
		theirs = append(theirs, listen(ctx, s, owner.At(n), p.ID))
	}
	var busy atomic.Bool
	busy.Store(true)
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; busy.Load(); i++ {
			owner.At(nodes[i%len(nodes)]).Do(ctx, http.MethodPatch, path, map[string]any{"description": fmt.Sprint("meanwhile ", i)})
		}
	})
	reply = r.revoke(s, at, owner, victim, p.ID)
	if !reply.OK() {
		s.Fatalf("%s: %s", r.name, reply)
	}
	for i, e := range his { // what he sends from now on
		_ = e.socket.Send(map[string]any{"id": 90, "op": "cmd", "p": p.ID, "key": fmt.Sprint(round, "-", i, "-", p.ID), "type": "project.update", "d": map[string]any{"name": "stolen"}})
	}
	busy.Store(false)
	writing.Wait()
	const after = "after the reply"
	if !r.sees {
		s.Must(owner.At(at).Do(ctx, http.MethodPatch, path, map[string]any{"name": after}).Into(&struct{}{}))
		for i, e := range theirs {
			if !e.await(after) {
				s.Found("%s: who may watch on node %s is not told: %v", r.name, nodes[i].Name, e.end())
			}
		}
	}
	for i, e := range his {
		_ = e.socket.Send(map[string]any{"op": "ping"})
		if !e.await(`"op":"pong"`) && e.end() == nil {
			s.Found("%s: the socket on node %s does not answer", r.name, nodes[i].Name)
		}
		if e.has(after) {
			s.Found("%s: the socket on node %s has shown what was done after the reply", r.name, nodes[i].Name)
		}
		if e.has(`"re":90,"ok"`) {
			s.Found("%s: what was sent after the reply was carried out on node %s", r.name, nodes[i].Name)
		}
	}
	if name, _ := owner.At(at).Project(ctx, p.ID); name == nil || name.Name == "stolen" {
		s.Found("%s: what was sent after the reply has taken effect", r.name)
	}
}

// ear is what came over a socket.
type ear struct {
	socket *rig.Socket
	mu     sync.Mutex
	came   *sync.Cond
	heard  strings.Builder
	ended  error
}

// listen opens a socket that watches a project.
func listen(ctx context.Context, s *rig.Scenario, c *rig.Client, project string) *ear {
	s.Helper()
	socket, err := c.Socket(ctx)
	s.Must(err)
	e := &ear{socket: socket}
	e.came = sync.NewCond(&e.mu)
	stop := context.AfterFunc(ctx, socket.Close)
	go func() {
		defer stop()
		for {
			objects, err := socket.Receive(time.Minute)
			e.take(objects, err)
			if err != nil {
				return
			}
		}
	}()
	s.Must(socket.Send(map[string]any{"id": 1, "op": "hello"}))
	s.Must(socket.Send(map[string]any{"id": 2, "op": "sub", "project": project}))
	if !e.await(`"re":2,"sub"`) {
		s.Fatalf("no subscription: %v", e.end())
	}
	return e
}

func (e *ear) take(objects []json.RawMessage, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range objects {
		e.heard.Write(o)
		e.heard.WriteByte('\n')
	}
	e.ended = err
	e.came.Broadcast()
}

func (e *ear) has(text string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Contains(e.heard.String(), text)
}

func (e *ear) end() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

// await waits for a text, or for the end.
func (e *ear) await(text string) bool {
	late := time.AfterFunc(30*time.Second, func() { e.take(nil, errors.New("it did not come in time")) })
	defer late.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	for !strings.Contains(e.heard.String(), text) {
		if e.ended != nil {
			return false
		}
		e.came.Wait()
	}
	return true
}
