package faults_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"atelier/test/rig"
	"atelier/test/services"
)

// Every key is used by several callers at once, on both processes, and many
// answers are lost after the commit, so that the callers ask again. One effect,
// one answer, for ever after and on either process.
func TestRetryStorms(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	rageAll(s, url, []*rig.Node{s.Start("a", url), s.Start("b", url)})
}

// The same on the nodes of a cluster, where most of what is asked is passed on.
func TestRetryStormsInACluster(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	rageAll(s, url, s.StartCluster(url, "a", "b", "c"))
}

func rageAll(s *rig.Scenario, url string, nodes []*rig.Node) {
	s.Helper()
	st := newStorm(s, nodes)
	member := s.Register(st.nodes[0], "member")
	db := s.Database(url, nil)
	var storms sync.WaitGroup
	for lane := range stormLanes {
		storms.Go(func() {
			random := s.Random(lane)
			for i := range stormKeys / 2 / stormLanes {
				st.rage(random, fmt.Sprintf("storm-%d-%d", lane, i), member)
				if each := stormKeys / 2 / stormLanes; lane == 0 && (i+1)%max(1, each/10) == 0 {
					s.Logf("%d of %d projects of the first lane", i+1, each)
				}
			}
		})
	}
	storms.Wait()
	created, err := db.Created(s.Context())
	s.Must(err)
	for name, project := range st.projects {
		if created[name] != 1 {
			s.Found("key %q created %d projects", name, created[name])
		}
		if rows := s.Compare(db, project); rows.Version != 2 || len(rows.Roles) != 1 {
			s.Found("project %s had one member added under one key: %s", project, rows)
		}
	}
	lost := int64(0)
	for _, p := range st.proxies {
		lost += p.Lost()
	}
	s.Logf("%d keys, %d answers, %d more were lost", 2*len(st.projects), st.answers, lost)
	if lost < int64(stormKeys/10) {
		s.Errorf("only %d answers were lost: this run shows little", lost)
	}
}

const (
	stormLanes = 4
	answerLost = 0.4 // of those through a proxy
)

// storm is where keys are used: directly and through proxies, as one user.
type storm struct {
	s       *rig.Scenario
	nodes   []*rig.Node
	direct  []*rig.Client
	lossy   []*rig.Client
	proxies []*rig.Proxy

	mu       sync.Mutex // of everything below
	projects map[string]string
	answers  int
}

func newStorm(s *rig.Scenario, nodes []*rig.Node) *storm {
	st := &storm{s: s, nodes: nodes, projects: map[string]string{}}
	owner := s.Register(nodes[0], "owner")
	for i, n := range nodes {
		var mu sync.Mutex
		random := s.Random(1000 + i)
		p := s.Proxy(n, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return random.Float64() < answerLost
		})
		c := s.SignIn(n, owner).At(n)
		st.direct, st.lossy, st.proxies = append(st.direct, c), append(st.lossy, c.Through(p)), append(st.proxies, p)
	}
	return st
}

// rage creates a project under one key and adds a member under another.
func (st *storm) rage(random *rand.Rand, name string, member *rig.User) {
	s := st.s
	first := st.strike(random, name, func(c *rig.Client, key rig.Header) *rig.Reply {
		_, r := c.CreateProject(s.Context(), name, 3, key)
		return r
	})
	var p rig.Project
	if err := first.Into(&p); err != nil {
		s.Found("key %q: %v", name, err)
		return
	}
	st.mu.Lock()
	st.projects[name] = p.ID
	st.mu.Unlock()
	st.strike(random, name+"-member", func(c *rig.Client, key rig.Header) *rig.Reply {
		return c.Add(s.Context(), p.ID, member.ID, "editor", key)
	})
	if r := st.direct[random.IntN(len(st.direct))].Add(s.Context(), p.ID, member.ID, "viewer", rig.Key(name+"-member")); !r.Is("idempotency_key_reused") {
		s.Found("key %q was used for another request, which was answered %s", name+"-member", r)
	}
}

// strike uses a key from all sides at once, then once more on each node, and
// compares the answers.
func (st *storm) strike(random *rand.Rand, key string, ask func(*rig.Client, rig.Header) *rig.Reply) *rig.Reply {
	header := rig.Key(key)
	var answers []*rig.Reply
	var mu sync.Mutex
	var callers sync.WaitGroup
	call := func(clients []*rig.Client, first int) {
		r := st.insist(clients, first, header, ask)
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, r)
	}
	offset := random.IntN(len(st.lossy))
	for i := range 2 {
		callers.Go(func() { call(st.lossy, i+offset) })
		if random.IntN(2) == 0 {
			callers.Go(func() { call(st.direct, i+offset) })
		}
	}
	callers.Wait()
	for i := range st.direct {
		later := st.insist(st.direct[i:i+1], 0, header, ask)
		if !later.Replayed() {
			st.s.Found("key %q was used before; asked again, node %s answered %s and did not say that it is a stored answer", key, st.nodes[i].Name, later)
		}
		answers = append(answers, later)
	}
	st.compare(key, answers)
	return answers[0]
}

// compare finds answers that differ, and more than one that is said to be new.
func (st *storm) compare(key string, answers []*rig.Reply) {
	fresh := 0
	for _, r := range answers {
		if !r.Replayed() {
			fresh++
		}
		if r.Status != 201 || !bytes.Equal(r.Body, answers[0].Body) || r.Version() != answers[0].Version() {
			st.s.Found("key %q was answered %s and %s", key, answers[0], r)
			return
		}
	}
	if fresh > 1 {
		st.s.Found("key %q: %d answers are said to be of the first time", key, fresh)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.answers += len(answers)
}

// insist asks, by turns on all nodes, until there is an answer.
func (st *storm) insist(clients []*rig.Client, first int, key rig.Header, ask func(*rig.Client, rig.Header) *rig.Reply) *rig.Reply {
	var r *rig.Reply
	for attempt := range 30 {
		if r = ask(clients[(first+attempt)%len(clients)], key); r.Outcome == rig.Answered {
			return r
		}
	}
	st.s.Errorf("key %q got no answer: %s", key.Value, r)
	return r
}
