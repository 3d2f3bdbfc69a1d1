package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// presenceWithin is how long it may take until all nodes show the same: what a killed
// node has said is believed for six seconds.
const presenceWithin = 30 * time.Second

// Users are in a project on all nodes, one of them on two at a time. Each node is
// killed once: all see each user once, and the one who is there twice never leaves.
func TestPresenceSurvivesTheCluster(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b", "c")
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	p, r := owner.At(nodes[0]).CreateProject(s.Context(), "visited", 10)
	if p == nil {
		s.Fatalf("a project was not created: %s", r)
	}
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	v := &visits{s: s, project: p.ID, nodes: nodes, owner: owner, want: map[string]int{owner.ID: 1}}
	for i := range nodes { // the owner is there twice, and for the third time where he only looks
		visitor := s.Visit(ctx, p.ID, at(owner, nodes, i)...)
		v.all = append(v.all, visitor)
		if i > 0 {
			visitor.Say(1)
		}
	}
	for i, u := range s.Crowd(nodes[0], 3) {
		u = s.SignIn(nodes[i], u)
		if r := owner.At(nodes[i]).Add(s.Context(), p.ID, u.ID, "viewer"); !r.OK() {
			s.Fatalf("a member was not added: %s", r)
		}
		visitor := s.Visit(ctx, p.ID, at(u, nodes, i)...)
		visitor.Say(1)
		v.all, v.want[u.ID] = append(v.all, visitor), 1
		v.others = append(v.others, visitor)
		v.ids = append(v.ids, u.ID)
	}
	v.await("all have come")
	for round, i := range s.Random(0).Perm(len(nodes)) {
		for k, visitor := range v.others {
			visitor.Say(round + 2)
			v.want[v.ids[k]] = round + 2
		}
		nodes[i].Kill()
		v.await(fmt.Sprintf("%s was killed", nodes[i].Name), nodes[i])
		nodes[i].Restart()
		if err := rig.AwaitWhole(s.Context(), nodes, healsWithin); err != nil {
			s.Found("%s after %s was killed: %v", healsWithin, nodes[i].Name, err)
		}
		v.await(fmt.Sprintf("%s is back", nodes[i].Name))
	}
	if left := v.left(owner.ID); left > 0 {
		s.Found("it was said %d times that the owner had left", left)
	}
}

// at are clients of a user, the one at a node first.
func at(u *rig.User, nodes []*rig.Node, first int) (clients []*rig.Client) {
	for i := range nodes {
		clients = append(clients, u.At(nodes[(first+i)%len(nodes)]))
	}
	return clients
}

type visits struct {
	s       *rig.Scenario
	project string
	nodes   []*rig.Node
	owner   *rig.User
	all     []*rig.Visitor
	others  []*rig.Visitor
	ids     []string
	want    map[string]int
}

// left is how often a user was said to have left.
func (v *visits) left(user string) (n int) {
	for _, visitor := range v.all {
		n += visitor.Left(user)
	}
	return n
}

// await waits until all who are connected, and all nodes but those that are down, say
// the same.
func (v *visits) await(when string, down ...*rig.Node) {
	v.s.Helper()
	began := time.Now()
	for {
		trouble := v.differs(down)
		if trouble == "" {
			v.s.Logf("%s: all say the same after %s", when, time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > presenceWithin {
			v.s.Found("%s: %s", when, trouble)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (v *visits) differs(down []*rig.Node) string {
	for _, visitor := range v.all {
		if here := visitor.Here(); !maps.Equal(here, v.want) {
			return fmt.Sprintf("one at %s sees %v, not %v: %v", visitor.Node().Name, here, v.want, visitor.Trouble())
		}
	}
	for _, n := range v.nodes {
		if len(down) > 0 && n == down[0] {
			continue
		}
		r := v.owner.At(n).Do(v.s.Context(), "GET", "/projects/"+v.project+"/presence?limit=100", nil)
		var page struct {
			Items []struct {
				UserID string `json:"user_id"`
				State  json.RawMessage
			}
		}
		if err := r.Into(&page); err != nil {
			return err.Error()
		}
		if len(page.Items) != len(v.want) {
			return fmt.Sprintf("node %s lists %d users, not %d", n.Name, len(page.Items), len(v.want))
		}
	}
	return ""
}
