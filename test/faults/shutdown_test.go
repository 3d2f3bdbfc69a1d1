package faults_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
)

// A program that is told to stop answers everything it has accepted, on
// connections that stay open too, and loses nothing of it. New connections may
// be refused.
func TestStopUnderLoadLosesNoRequest(t *testing.T) {
	t.Parallel()
	each(t, func(s *rig.Scenario, url string) {
		node := s.Start("a", url)
		user := s.SignIn(node, s.Register(node, "owner"))
		for range stops {
			stopUnderLoad(s, node, user)
			node.Restart()
		}
	})
}

// stopUnderLoad ends the node once all kinds of callers are at work.
func stopUnderLoad(s *rig.Scenario, node *rig.Node, user *rig.User) {
	var asked, lost, late atomic.Int64
	var working, callers sync.WaitGroup
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	for i := range stopCallers {
		c := &caller{s: s, c: user.At(node), asked: &asked, lost: &lost, late: &late, name: fmt.Sprintf("stop%d-%d", s.Random(i).Uint64(), i)}
		working.Add(1)
		callers.Go(func() { c.run(ctx, working.Done) })
	}
	slow := halfSent(s, node, user)
	idle := dial(s, node) // must not keep the node from stopping
	defer idle.Close()
	working.Wait()
	began := time.Now()
	code := make(chan int)
	go func() { code <- node.Terminate() }()
	slow.finish(s)
	if got := <-code; got != 0 {
		s.Found("exit code %d", got)
	}
	took := time.Since(began)
	callers.Wait()
	s.Logf("%d requests, stopped after %s", asked.Load(), took.Round(time.Millisecond))
	if took > 10*time.Second {
		s.Found("the node took %s to stop", took)
	}
	if n := late.Load(); n > stopCallers/4 {
		s.Found("%d new connections were reset: more than can come in a moment", n)
	}
	if n := lost.Load(); n > 0 {
		s.Found("%d requests were sent on open connections and not answered", n)
	}
}

// A node that waits for its balancer stops waiting when it is told to stop once
// more. What is in flight is answered all the same.
func TestASecondSignalEndsTheWait(t *testing.T) {
	t.Parallel()
	each(t, func(s *rig.Scenario, url string) {
		node := s.Start("a", url, "ATELIER_DRAIN_WAIT=5m")
		user := s.SignIn(node, s.Register(node, "owner"))
		slow := halfSent(s, node, user)
		began := time.Now()
		node.TellToStop()
		awaitUnready(s, node)
		if r := user.At(node).Do(s.Context(), "GET", "/users/me", nil); !r.OK() {
			s.Found("a node that waits for its balancer answered %s", r)
		}
		code := make(chan int)
		go func() { code <- node.Terminate() }()
		slow.finish(s)
		if got := <-code; got != 0 {
			s.Found("exit code %d", got)
		}
		if took := time.Since(began); took > 20*time.Second {
			s.Found("the node took %s to stop", took)
		}
		if node.Said("told to stop once more") != 1 {
			s.Found("the log does not say why the wait has ended")
		}
	})
}

// awaitUnready waits until a node that stops says so.
func awaitUnready(s *rig.Scenario, n *rig.Node) {
	for {
		answer, err := http.Get("http://" + n.Address() + "/readyz")
		if err != nil {
			s.Fatalf("node %s has not said that it stops: %v", n.Name, err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusServiceUnavailable {
			return
		}
	}
}

const stopCallers = 24

// caller asks one thing after the other on a connection that stays open.
type caller struct {
	s     *rig.Scenario
	c     *rig.Client
	name  string
	asked *atomic.Int64
	lost  *atomic.Int64
	late  *atomic.Int64
}

// run asks until the node refuses connections. Begun is called after some
// answers.
func (c *caller) run(ctx context.Context, begun func()) {
	began := sync.OnceFunc(begun)
	defer began()
	for n := 0; ctx.Err() == nil; n++ {
		_, r := c.c.CreateProject(ctx, fmt.Sprintf("%s-%d", c.name, n), 3)
		if r.Status == 0 && r.Outcome == rig.NotDone {
			return // refused a new connection
		}
		if r.Status == 0 && r.Fresh {
			c.late.Add(1)
			return // reset one that the kernel took in the moment in which the listening ended
		}
		c.asked.Add(1)
		switch {
		case r.Status == 0:
			c.lost.Add(1)
			c.s.Logf("a request was lost: %v", r.Err)
		case !r.OK():
			c.s.Found("a request was answered %s", r)
		}
		if n == 3 {
			began()
		}
	}
}

// halfRequest is a request whose second half is sent after the node was told to
// stop.
type halfRequest struct {
	conn net.Conn
	rest string
}

func dial(s *rig.Scenario, node *rig.Node) net.Conn {
	conn, err := net.Dial("tcp", node.Address())
	s.Must(err)
	return conn
}

func halfSent(s *rig.Scenario, node *rig.Node, user *rig.User) *halfRequest {
	conn := dial(s, node)
	body := `{"name":"sent in two halves"}`
	head := fmt.Sprintf("POST /api/v1/projects HTTP/1.1\r\nHost: atelier\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		user.Access, len(body))
	_, err := io.WriteString(conn, head+body[:10])
	s.Must(err)
	return &halfRequest{conn, body[10:]}
}

func (h *halfRequest) finish(s *rig.Scenario) {
	defer h.conn.Close()
	time.Sleep(300 * time.Millisecond) // a slow sender
	_, err := io.WriteString(h.conn, h.rest)
	if err != nil {
		s.Found("a request that was being received was cut off: %v", err)
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		s.Found("a request that was being received got no answer: %v", err)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != 201 || !answer.Close {
		s.Found("a request that was being received was answered %s, connection to be closed: %t", answer.Status, answer.Close)
	}
}
