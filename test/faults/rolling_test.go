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
// their requests fails, and nobody is logged out. Who watches through it is told
// to move, and comes back to the next event.
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
	watched := watchBalanced(s, balancer, nodes)
	for round := range rollingRounds {
		for _, n := range nodes {
			restart(s, n)
		}
		s.Logf("round %d of %d", round+1, rollingRounds)
	}
	time.Sleep(rollingPause)
	s.Logf("%d requests", stop())
	watched()
}

// watchBalanced has projects watched and changed through the balancer, until it is told
// to judge what came. A stream of server-sent events is not kept back by it.
func watchBalanced(s *rig.Scenario, b *rig.Balancer, nodes []*rig.Node) (judge func()) {
	s.Helper()
	ctx, end := context.WithCancel(s.Context())
	var enough atomic.Bool
	c := s.SignIn(nodes[0], s.Register(nodes[0], "watching")).At(nodes[0]).Behind(b)
	p, r := c.CreateProject(ctx, "watched", 3)
	if p == nil {
		s.Fatalf("a project was not created: %s", r)
	}
	var watchers []*rig.Watcher
	for range 4 {
		watchers = append(watchers, s.Watch(ctx, p.ID, 0, c))
	}
	told, err := c.Stream(ctx, p.ID)
	s.Must(err)
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; !enough.Load(); i++ {
			if _, r := c.Rename(s.Context(), p.ID, fmt.Sprint("watched ", i)); !r.OK() {
				s.Found("a project that is watched cannot be renamed: %s", r)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	if err := told("watched 2"); err != nil {
		s.Found("the stream through the balancer: %v", err)
	}
	return func() {
		s.Helper()
		defer end()
		enough.Store(true)
		writing.Wait()
		judgeWatchers(s, c, []string{p.ID}, watchers)
	}
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
