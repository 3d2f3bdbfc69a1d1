package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	rollingUsers = 8
	rollingPause = 2 * time.Second // a balancer's checks, several times
)

// Each node of three is stopped in order and started again, one after the other,
// while users work through the balancer on connections that stay open: none of
// their requests fails, and nobody is logged out.
func TestRollingRestartFailsNoRequest(t *testing.T) {
	for debian, configuration := range map[string]string{"haproxy": "haproxy.cfg", "nginx": "nginx.conf"} {
		t.Run(debian, func(t *testing.T) {
			t.Parallel()
			services.Need(t, debian)
			rollingRestart(t, "../../deploy/"+configuration)
		})
	}
}

func rollingRestart(t *testing.T, configuration string) {
	s := rig.New(t)
	balancer, nodes := s.StartBalanced(services.Postgres(t).URL(), configuration, [3]string{"a", "b", "c"})
	stop := atWork(s, balancer, nodes)
	for round := range rollingRounds {
		for _, n := range nodes {
			restart(s, n)
		}
		s.Logf("round %d of %d", round+1, rollingRounds)
	}
	time.Sleep(rollingPause)
	s.Logf("%d requests", stop())
}

// restart stops a node in order and starts it again.
func restart(s *rig.Scenario, n *rig.Node) {
	time.Sleep(rollingPause)
	code := make(chan int)
	go func() { code <- n.Terminate() }()
	stillAnswers(s, n)
	if got := <-code; got != 0 {
		s.Found("node %s: exit code %d", n.Name, got)
	}
	n.Restart()
}

// atWork has users work through the balancer until they are stopped, which tells
// how much they have asked.
func atWork(s *rig.Scenario, balancer *rig.Balancer, nodes []*rig.Node) (stop func() int64) {
	return working(s, nodes, func(u *rig.User, _ int) *rig.Client { return u.At(nodes[0]).Behind(balancer) })
}

// atWorkOn is the same with users of each node.
func atWorkOn(s *rig.Scenario, nodes []*rig.Node) (stop func() int64) {
	return working(s, nodes, func(u *rig.User, i int) *rig.Client { return u.At(nodes[i%len(nodes)]) })
}

func working(s *rig.Scenario, nodes []*rig.Node, client func(u *rig.User, i int) *rig.Client) (stop func() int64) {
	users := s.Crowd(nodes[0], rollingUsers)
	ctx, cancel := context.WithCancel(s.Context())
	asked := new(atomic.Int64)
	var workers sync.WaitGroup
	for i, u := range users {
		w := &roller{s: s, user: s.SignIn(nodes[i%len(nodes)], u), other: users[(i+1)%len(users)].ID, asked: asked}
		w.c = client(w.user, i)
		workers.Go(func() { w.run(ctx) })
	}
	return func() int64 {
		cancel()
		workers.Wait()
		return asked.Load()
	}
}

// stillAnswers waits until a node that stops says so, and then asks it things on
// new connections for most of the time that it must leave its balancer.
func stillAnswers(s *rig.Scenario, n *rig.Node) {
	awaitUnready(s, n)
	for began := time.Now(); time.Since(began) < rig.DrainWait*3/4; time.Sleep(20 * time.Millisecond) {
		if r := n.Client().Do(s.Context(), "GET", "/users/me", nil); r.Status != http.StatusUnauthorized {
			s.Found("node %s stops, and answered a stranger: %s", n.Name, r)
			return
		}
	}
}

// roller is a user at work.
type roller struct {
	s     *rig.Scenario
	c     *rig.Client
	user  *rig.User
	other string
	asked *atomic.Int64
}

// run works until ctx ends; what has begun by then is finished.
func (w *roller) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		w.round(w.s.Context(), n)
	}
}

// round is one of everything, as far as it gets.
func (w *roller) round(ctx context.Context, n int) {
	p, r := w.c.CreateProject(ctx, fmt.Sprintf("round %d", n), 3)
	if !w.fine("create", r) {
		return
	}
	_, r = w.c.Project(ctx, p.ID)
	w.fine("read", r)
	if w.fine("add", w.c.Add(ctx, p.ID, w.other, "viewer")) {
		w.fine("remove", w.c.Remove(ctx, p.ID, w.other))
	}
	renewed, r := w.c.Renew(ctx, w.user.Refresh)
	if !w.fine("refresh", r) {
		return
	}
	w.user, w.c = renewed, w.c.As(renewed.Access)
	w.fine("who am I", w.c.Do(ctx, "GET", "/users/me", nil))
}

func (w *roller) fine(what string, r *rig.Reply) bool {
	w.asked.Add(1)
	if !r.OK() {
		w.s.Found("%s: %s", what, r)
	}
	return r.OK()
}
