package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	revokedEach   = 5               // of each cut: log-outs and removals by turns
	cutSettles    = 4 * time.Second // until each side knows who is on it
	holdsAtMost   = 4 * time.Second // a lease and a second
	scheduling    = time.Second     // on a machine that has other things to do
	watchedFor    = time.Second     // at least, after the reply and once more after the network has healed
	watchInterval = 50 * time.Millisecond
)

// What was revoked while the network is cut is accepted nowhere once the reply is
// there, although all nodes had validated it before: neither on the other side,
// nor on a node that has lost the database too, nor when the network heals.
func TestRevocationHoldsAcrossCuts(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	n, _ := s.StartNetwork("a", "b", "c")
	cuts := []cut{oneApart, oneLost, eachAlone, oneWay}
	random := s.Random(0)
	order := random.Perm(len(cuts))
	replied := 0
	for round := 0; round*revokedEach < cutRevocations; round++ {
		replied += revokeAcross(s, n, cuts[order[round%len(cuts)]], random, round)
		if t.Failed() {
			return
		}
	}
	s.Logf("%d revocations of %d got their reply", replied, cutRevocations)
	if replied < cutRevocations/2 {
		s.Errorf("this run shows little")
	}
}

// revokeAcross makes a cut and revokes across it. It counts the replies.
func revokeAcross(s *rig.Scenario, n *rig.Network, c cut, random *rand.Rand, round int) (replied int) {
	var rights []*right
	for i := range revokedEach {
		rights = append(rights, newRight(s, n.Nodes, fmt.Sprintf("victim%d-%d", round, i), i%2 == 0))
	}
	nodes := shuffled(n.Nodes, random)
	sides := c.make(n, nodes)
	reach := slices.Concat(sides...) // the database
	began := time.Now()
	ctx, stop := context.WithCancel(s.Context())
	defer stop()
	var revoking, watching sync.WaitGroup
	var got atomic.Int64
	for i, r := range rights {
		at := reach[random.IntN(len(reach))]
		revoking.Go(func() {
			settled := i > 1 // the others begin together with the cut
			if settled {
				time.Sleep(time.Until(began.Add(cutSettles)))
			}
			if r.revoke(s, at, c, settled) {
				got.Add(1)
				watching.Go(func() { r.watch(ctx, s, c) })
			}
		})
	}
	revoking.Wait()
	time.Sleep(watchedFor)
	n.Heal()
	if err := rig.AwaitWhole(s.Context(), n.Nodes, healsWithin); err != nil {
		s.Found("%s: %s after it has healed: %v", c.name, healsWithin, err)
	}
	time.Sleep(watchedFor)
	stop()
	watching.Wait()
	return int(got.Load())
}

// A node hangs while a right is revoked, and goes on as soon as the reply is there. It
// accepts nothing by what it knew before: neither at once, nor for those who asked it
// meanwhile.
func TestRevocationHoldsWhereANodeHung(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b", "c")
	random := s.Random(0)
	replied := 0
	for round := range hungRounds {
		for _, session := range []bool{true, false} {
			r := newRight(s, nodes, fmt.Sprintf("victim%d-%t", round, session), session)
			if r.revokeWhileHung(s, shuffled(nodes, random)) {
				replied++
			}
			if err := rig.AwaitWhole(s.Context(), nodes, healsWithin); err != nil {
				s.Found("%s after a node went on: %v", healsWithin, err)
			}
			if t.Failed() {
				return
			}
		}
	}
	s.Logf("%d revocations of %d got their reply", replied, 2*hungRounds)
	if replied < hungRounds {
		s.Errorf("this run shows little")
	}
}

// askedMeanwhile is how many requests wait for the node that hangs.
const askedMeanwhile = 5

// revokeWhileHung has the first of the nodes hang. It reports whether the revocation
// had its reply.
func (r *right) revokeWhileHung(s *rig.Scenario, nodes []*rig.Node) (replied bool) {
	hangs := cut{name: "node " + nodes[0].Name + " hung"}
	nodes[0].Freeze()
	replied = r.revoke(s, nodes[1], hangs, false)
	var asking sync.WaitGroup
	for range askedMeanwhile {
		asking.Go(func() {
			if reply := r.use(s.Context(), nodes[0]); replied && reply.OK() {
				s.Found("%s: it granted what was revoked before it was asked: %s", hangs.name, reply)
			}
		})
	}
	time.Sleep(watchInterval) // they are on their way
	nodes[0].Thaw()
	if replied {
		ctx, stop := context.WithTimeout(s.Context(), watchedFor)
		defer stop()
		r.watch(ctx, s, hangs)
	}
	asking.Wait()
	return replied
}

// right is something that a user may do until it is revoked.
type right struct {
	user  *rig.User
	nodes []*rig.Node
	path  string // of what the user may see
	take  func(c *rig.Client) *rig.Reply
	owner *rig.User // takes it
}

// newRight makes a right that all nodes have granted: to use a session, or to see
// a project.
func newRight(s *rig.Scenario, nodes []*rig.Node, name string, session bool) *right {
	user := s.SignIn(nodes[0], s.Register(nodes[0], name))
	r := &right{user: user, nodes: nodes, path: "/users/me", owner: user,
		take: func(c *rig.Client) *rig.Reply { return c.Do(s.Context(), http.MethodPost, "/auth/logout", nil) }}
	if !session {
		r.owner = s.SignIn(nodes[0], s.Register(nodes[0], "owner-of-"+name))
		p, reply := r.owner.At(nodes[0]).CreateProject(s.Context(), name, 3)
		if p == nil {
			s.Fatalf("a project was not created: %s", reply)
		}
		if reply := r.owner.At(nodes[0]).Add(s.Context(), p.ID, user.ID, "viewer"); !reply.OK() {
			s.Fatalf("a member was not added: %s", reply)
		}
		r.path = "/projects/" + p.ID
		r.take = func(c *rig.Client) *rig.Reply { return c.Remove(s.Context(), p.ID, user.ID) }
	}
	for _, n := range nodes {
		if reply := r.use(s.Context(), n); !reply.OK() {
			s.Found("before the cut: node %s: %s", n.Name, reply)
		}
	}
	return r
}

func (r *right) use(ctx context.Context, n *rig.Node) *rig.Reply {
	return r.user.At(n).Do(ctx, http.MethodGet, r.path, nil)
}

// revoke takes the right on a node and reports whether that was confirmed. Once
// the sides are settled, that takes no longer than is promised.
func (r *right) revoke(s *rig.Scenario, at *rig.Node, c cut, settled bool) bool {
	began := time.Now()
	reply := r.take(r.owner.At(at))
	took := time.Since(began)
	s.Logf("%s: revoked on %s, settled: %t: %d after %s", c.name, at.Name, settled, reply.Status, took.Round(time.Millisecond))
	if settled && reply.OK() && took > holdsAtMost+scheduling {
		s.Found("%s: a revocation on node %s took %s", c.name, at.Name, took)
	}
	return reply.OK()
}

// watch asks every node over and over, until ctx ends. None may grant the right.
func (r *right) watch(ctx context.Context, s *rig.Scenario, c cut) {
	var watching sync.WaitGroup
	revoked := time.Now()
	for _, n := range r.nodes {
		watching.Go(func() {
			for {
				if reply := r.use(s.Context(), n); reply.OK() {
					s.Found("%s: node %s granted GET %s %s after it was revoked: %s", c.name, n.Name, r.path, time.Since(revoked), reply)
					return
				}
				if ctx.Err() != nil {
					return
				}
				time.Sleep(watchInterval)
			}
		})
	}
	watching.Wait()
}

// shuffled are the nodes in an order of chance.
func shuffled(nodes []*rig.Node, random *rand.Rand) []*rig.Node {
	mixed := make([]*rig.Node, len(nodes))
	for i, k := range random.Perm(len(nodes)) {
		mixed[i] = nodes[k]
	}
	return mixed
}
