package faults_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	replicaWorkers = 6
	farBehind      = time.Minute
	consistency    = "Atelier-Consistency"
)

// Nodes read from a replica that is away, and one that is a minute behind. Whoever
// has written sees it in the next list on any node, with the token of the write and
// without one, and nobody sees a project any more that he was taken out of, however
// old his token is. While the replica is well it answers.
func TestReadsSurviveTheReplica(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	primary := services.OwnPostgres(t)
	replica := primary.Replica(t)
	nodes := s.StartClusterWith(primary.URL("test"), func(string) []string {
		return []string{"ATELIER_DATABASE_REPLICA_URLS=" + replica.URL("test")}
	}, "a", "b", "c")
	faults := []struct {
		name       string
		make, undo func()
	}{
		{"away", replica.Crash, func() { replica.Restart(t) }},
		{"frozen", replica.Freeze, replica.Thaw},
		{"behind", func() { replica.Lag(t, farBehind) }, func() { replica.Lag(t, 0) }},
	}
	var all []*replicaWorker
	for i := range replicaWorkers {
		all = append(all, newReplicaWorker(s, nodes, i))
	}
	ctx, stop := context.WithCancel(s.Context())
	var working sync.WaitGroup
	for _, w := range all {
		working.Go(func() { w.run(ctx) })
	}
	served := func() float64 { return onReplicas(s, nodes, "served") }
	growing := func(when string) {
		before := served()
		for deadline := time.Now().Add(healsWithin); served() < before+20; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				s.Found("%s the replica answers nothing: %v served, %v behind, %v failed", when, served(), onReplicas(s, nodes, "behind"), onReplicas(s, nodes, "failed"))
				return
			}
		}
	}
	growing("at first")
	for range replicaRounds {
		for _, f := range faults {
			before, refused := done(all), onReplicas(s, nodes, "behind")+onReplicas(s, nodes, "failed")
			s.Fault("replica " + f.name)
			f.make()
			time.Sleep(replicaFault)
			if done(all) == before {
				s.Found("while the replica is %s nothing goes on", f.name)
			}
			if onReplicas(s, nodes, "behind")+onReplicas(s, nodes, "failed") == refused {
				s.Errorf("while the replica was %s nobody wanted it: this run shows nothing", f.name)
			}
			f.undo()
			growing("after it was " + f.name)
			s.Logf("%s: %d rounds of work", f.name, done(all)-before)
		}
	}
	stop()
	working.Wait()
	s.Logf("%v lists by the replica; by the primary %v since it was behind, %v since it failed", served(), onReplicas(s, nodes, "behind"), onReplicas(s, nodes, "failed"))
}

// onReplicas sums what nodes say of their reads.
func onReplicas(s *rig.Scenario, nodes []*rig.Node, result string) (n float64) {
	s.Helper()
	for _, node := range nodes {
		n += scrape(s, node.Setting("ATELIER_OPS_ADDR"))["atelier_replica_reads_total/"+result]
	}
	return n
}

// replicaWorker is an owner who writes and looks, and a member whom he lets in and
// takes out again.
type replicaWorker struct {
	s             *rig.Scenario
	name          string
	owner, member []*rig.Client // on each node
	memberID      string
	tokens        bool // that writes must come with
	turn          int
	rounds        atomic.Int64
}

func newReplicaWorker(s *rig.Scenario, nodes []*rig.Node, i int) *replicaWorker {
	w := &replicaWorker{s: s, name: fmt.Sprint("worker ", i), tokens: nodes[0].Setting("ATELIER_DATABASE_REPLICA_URLS") != ""}
	owner := s.SignIn(nodes[0], s.Register(nodes[0], fmt.Sprintf("owner%d", i)))
	member := s.SignIn(nodes[0], s.Register(nodes[0], fmt.Sprintf("member%d", i)))
	w.memberID = member.ID
	for _, n := range nodes {
		w.owner, w.member = append(w.owner, owner.At(n)), append(w.member, member.At(n))
	}
	return w
}

func done(all []*replicaWorker) (rounds int64) {
	for _, w := range all {
		rounds += w.rounds.Load()
	}
	return rounds
}

func (w *replicaWorker) run(ctx context.Context) {
	for ; ctx.Err() == nil; w.rounds.Add(1) {
		w.round(fmt.Sprintf("%s, round %d", w.name, w.rounds.Load()))
	}
}

// next is one of the clients, by turns.
func (w *replicaWorker) next(clients []*rig.Client) *rig.Client {
	w.turn++
	return clients[w.turn%len(clients)]
}

// round creates a project, renames it, lets the member in and takes him out; after
// each step everyone looks, on some other node.
func (w *replicaWorker) round(name string) {
	ctx := w.s.Context()
	p, created := w.next(w.owner).CreateProject(ctx, name, 3)
	if p == nil {
		w.s.Found("%s: creating: %s", name, created)
		return
	}
	w.sees(w.owner, "the owner", created, "/projects?limit=1", p.ID, name)
	_, renamed := w.next(w.owner).Rename(ctx, p.ID, name+", renamed")
	w.sees(w.owner, "the owner", renamed, "/projects?limit=1", p.ID, name+", renamed")
	added := w.next(w.owner).Add(ctx, p.ID, w.memberID, "viewer")
	w.sees(w.owner, "the owner", added, "/projects/"+p.ID+"/collaborators?limit=1", w.memberID, "")
	w.sees(w.owner, "the owner", added, "/projects/"+p.ID+"/activity?limit=1", "project.collaborator_added", "")
	w.sees(w.member, "the member", added, "/projects?limit=1", p.ID, name+", renamed")
	if r := w.next(w.owner).Remove(ctx, p.ID, w.memberID); !r.OK() {
		w.s.Found("%s: removing: %s", name, r)
	}
	for _, c := range w.member { // by the token that he had as a member
		if first := w.first(c, "/projects?limit=1", added); first.ID == p.ID {
			w.s.Found("%s: node %s lists the project to a member who was taken out", name, c.Node.Name)
		}
	}
}

// listedFirst is the first item of some list.
type listedFirst struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
	Type   string `json:"type"`
	Name   string `json:"name"`
}

func (l listedFirst) is(id, name string) bool {
	return (l.ID == id || l.UserID == id || l.Type == id) && l.Name == name
}

// sees looks at what a write has changed, with its token and without.
func (w *replicaWorker) sees(who []*rig.Client, is string, write *rig.Reply, path, id, name string) {
	if !write.OK() {
		w.s.Found("%s: a write: %s", w.name, write)
		return
	}
	if token := write.Header.Get(consistency); (token != "") != w.tokens {
		w.s.Found("%s: a write came with the token %q", w.name, token)
	}
	for _, token := range []*rig.Reply{write, nil} {
		c := w.next(who)
		for range 2 { // the second time from what the first has left behind
			if first := w.first(c, path, token); !first.is(id, name) {
				w.s.Found("%s: %s asks node %s for %s, with its token: %t; what comes first is not his write but %+v", w.name, is, c.Node.Name, path, token != nil && w.tokens, first)
			}
		}
	}
}

// first is the first item of a list, with the token of a write or without one.
func (w *replicaWorker) first(c *rig.Client, path string, write *rig.Reply) (first listedFirst) {
	var headers []rig.Header
	if write != nil && w.tokens {
		headers = append(headers, rig.Header{Name: consistency, Value: write.Header.Get(consistency)})
	}
	var page struct{ Items []listedFirst }
	r := c.Do(w.s.Context(), "GET", path, nil, headers...)
	if err := r.Into(&page); err != nil {
		w.s.Found("%s: node %s: GET %s: %v", w.name, c.Node.Name, path, err)
		return first
	}
	if len(page.Items) > 0 {
		first = page.Items[0]
	}
	return first
}
