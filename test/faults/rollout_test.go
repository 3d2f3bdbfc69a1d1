package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// Where a roll-out is. What the next version adds is refused before it and after
// it was taken back, and not while all nodes have it.
const (
	notYet int32 = iota
	rollingOut
	everywhere
	takingBack
	nowhere
)

// A next version with a command, its event and a migration more is rolled out
// node by node while users work through the balancer, and taken back. None of
// their requests fails. What only the next version knows is carried out or
// refused, clearly, and what was carried out is in the log.
func TestNextVersionIsRolledOutAndTakenBack(t *testing.T) {
	t.Parallel()
	services.Need(t, "haproxy")
	s := rig.New(t)
	_, err := rig.Next() // built before anything waits for it
	s.Must(err)
	database := services.Postgres(t).URL()
	balancer, nodes := s.StartBalanced(database, "../../deploy/haproxy.cfg", [3]string{"a", "b", "c"})
	stop := atWork(s, balancer, nodes)
	var where atomic.Int32
	ahead := labelsAt(s, balancer, nodes, &where)
	time.Sleep(rollingPause)

	where.Store(rollingOut)
	become(s, nodes, rig.Next)
	where.Store(everywhere)
	time.Sleep(rollingPause)
	where.Store(takingBack)
	become(s, nodes, rig.This)
	where.Store(nowhere)
	time.Sleep(rollingPause)

	s.Logf("%d requests; labels: %s", stop(), ahead(nodes[0]))
	if said := s.Run("migrate", "--status", "--database-url", database); !strings.Contains(said, "schema 90001") {
		s.Found("the migration of the next version is gone: %s", said)
	}
}

// become replaces the program, node by node.
func become(s *rig.Scenario, nodes []*rig.Node, version rig.Version) {
	for _, n := range nodes {
		if code := n.Terminate(); code != 0 {
			s.Found("node %s: exit code %d", n.Name, code)
		}
		n.Version = version
		n.Restart()
		time.Sleep(rollingPause)
	}
}

// labelsAt has each of three users label a project of his, and change it
// otherwise, until ahead is called: it compares what was answered with the log.
func labelsAt(s *rig.Scenario, balancer *rig.Balancer, nodes []*rig.Node, where *atomic.Int32) (ahead func(*rig.Node) string) {
	ctx, cancel := context.WithCancel(s.Context())
	var running sync.WaitGroup
	var labellers []*labeller
	for i, n := range nodes {
		owner := s.SignIn(n, s.Register(n, fmt.Sprintf("label%d", i)))
		l := &labeller{s: s, c: owner.At(n).Behind(balancer), where: where, codes: map[string]int{}}
		p, r := l.c.CreateProject(ctx, "labelled", 3)
		if p == nil {
			s.Fatalf("a project was not created: %s", r)
		}
		l.project = p.ID
		labellers = append(labellers, l)
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.round(s.Context(), fmt.Sprint("label ", n))
			}
		})
	}
	return func(n *rig.Node) string {
		cancel()
		running.Wait()
		codes := map[string]int{}
		for _, l := range labellers {
			l.compare(n)
			for code, n := range l.codes {
				codes[code] += n
			}
		}
		if codes["ok"] == 0 || codes["not_found"] == 0 {
			s.Found("the versions were not told apart: %v", codes)
		}
		return fmt.Sprint(codes)
	}
}

// labeller is a user of what only the next version has.
type labeller struct {
	s       *rig.Scenario
	c       *rig.Client
	project string
	where   *atomic.Int32
	labels  []string       // that were given
	codes   map[string]int // of the answers
}

func (l *labeller) round(ctx context.Context, label string) {
	before := l.where.Load()
	r := l.c.Do(ctx, "PUT", "/projects/"+l.project+"/label", map[string]string{"label": label})
	switch {
	case r.OK():
		l.labels = append(l.labels, label)
		l.codes["ok"]++
	case r.Is("not_found"), r.Outcome == rig.NotDone && r.Code == "unavailable": // an older edge; an older owner
		l.codes[r.Code]++
	default:
		l.s.Found("label: %s", r)
	}
	if at := l.where.Load(); at == before && (at == everywhere && !r.OK() || (at == notYet || at == nowhere) && !r.Is("not_found")) {
		l.s.Found("label, at step %d: %s", at, r)
	}
	if _, r := l.c.Rename(ctx, l.project, label); !r.OK() {
		l.s.Found("rename: %s", r)
	}
	if p, r := l.c.Project(ctx, l.project); p == nil || p.Name != label {
		l.s.Found("read: %s", r)
	}
}

// compare reads the log where the version before answers.
func (l *labeller) compare(n *rig.Node) {
	events, r := n.Client().As(l.c.Token(l.s.Context())).Log(l.s.Context(), l.project)
	if !r.OK() {
		l.s.Found("the log: %s", r)
	}
	var labels []string
	for i, e := range events {
		if e.Seq != int64(i)+1 {
			l.s.Found("the log has %d where %d belongs", e.Seq, i+1)
		}
		if e.Type == "project.labelled" {
			var data struct{ Label string }
			l.s.Must(json.Unmarshal(e.Data, &data))
			labels = append(labels, data.Label)
		}
	}
	if !slices.Equal(labels, l.labels) {
		l.s.Found("%d labels were given and %d are in the log", len(l.labels), len(labels))
	}
}
