package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	sickAskers   = 8 // on each node
	sickPause    = 20 * time.Millisecond
	deadline     = 10 * time.Second // of a request that names none
	toldWithin   = 2 * time.Second  // that the database is silent
	moreRoutines = 100              // than before, on a node that has come to rest: connections that wait for another request
)

// illness is something that befalls the database for a while.
type illness struct {
	name       string
	make, undo func()
	answers    time.Duration // take at most
	others     bool          // those who want nothing of what is held are not affected
}

// Postgres swallows what it is sent, keeps every connection of the nodes busy, and
// holds the row of a project. Meanwhile every request has an answer by its deadline, and
// it is a good one or 503 with a time to come back, or 504; within two seconds where the
// database is silent. Soon after all is as before, and nothing is left of those who
// waited.
func TestNodesSurviveASickPostgres(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	pg := services.OwnPostgres(t)
	direct, err := url.Parse(pg.URL("test"))
	s.Must(err)
	wire := s.Wire(direct.Host)
	way := *direct
	way.Host = wire.Address()
	sick := &sickness{s: s, url: direct.String()}
	sick.suffer(s.StartCluster(way.String(), "a", "b"), []illness{
		{"black hole", func() { wire.Swallow(true) }, func() { wire.Swallow(false) }, toldWithin, false},
		{"pools exhausted", func() {
			sick.hold(`LOCK TABLE users, sessions, projects, project_collaborators IN ACCESS EXCLUSIVE MODE`)
		}, sick.release, deadline, false},
		{"row held", func() { sick.hold(`SELECT FROM projects WHERE id = $1 FOR UPDATE`, sick.project) }, sick.release, deadline, true},
	})
}

// The same with a disk that is full.
func TestNodesSurviveAFullDisk(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	pg, err := services.SmallPostgres(t)
	if errors.Is(err, services.ErrNoDisks) {
		s.Skip(err)
	}
	s.Must(err)
	sick := &sickness{s: s, url: pg.URL("test")}
	sick.suffer(s.StartCluster(sick.url, "a", "b"), []illness{{"disk full", func() { pg.Fill(t) }, func() { pg.MakeRoom(t) }, deadline, false}})
}

// suffer has nodes go through illnesses while they are asked.
func (k *sickness) suffer(nodes []*rig.Node, illnesses []illness) {
	s, asking := k.s, k.askers(nodes)
	before := make([]float64, len(nodes))
	for i, n := range nodes {
		before[i] = routines(s, n)
	}
	for range sickRounds {
		for _, f := range illnesses {
			ctx, stop := context.WithCancel(s.Context())
			var working sync.WaitGroup
			for _, a := range asking {
				a.begin()
				working.Go(func() { a.run(ctx) })
			}
			time.Sleep(beforeCut)
			f.make()
			time.Sleep(sickFault)
			f.undo()
			k.awaitGood(f, asking)
			time.Sleep(beforeCut)
			stop()
			working.Wait()
			for _, a := range asking {
				a.judge(f, f.others && a.path != k.held)
			}
		}
	}
	for i, n := range nodes {
		k.judgeRest(n, before[i])
	}
}

// awaitGood waits until everyone has had a good answer after an illness.
func (k *sickness) awaitGood(f illness, asking []*sickAsker) {
	undone := time.Now()
	for _, a := range asking {
		for good := a.good.Load(); a.good.Load() == good && time.Since(undone) < healsWithin; {
			time.Sleep(10 * time.Millisecond)
		}
	}
	back := time.Since(undone)
	k.s.Logf("%s: back after %s", f.name, back.Round(time.Millisecond))
	if back > backWithin+scheduling {
		k.s.Found("%s: after it was over it took %s until everyone had a good answer", f.name, back)
	}
}

// judgeRest says whether something is left of those who waited.
func (k *sickness) judgeRest(n *rig.Node, before float64) {
	now := routines(k.s, n)
	for began := time.Now(); now > before+moreRoutines && time.Since(began) < healsWithin; now = routines(k.s, n) {
		time.Sleep(100 * time.Millisecond)
	}
	k.s.Logf("node %s: %v goroutines before, %v after", n.Name, before, now)
	if now > before+moreRoutines {
		k.s.Found("node %s has %v goroutines, and had %v before", n.Name, now, before)
	}
}

// routines is how many goroutines a node has.
func routines(s *rig.Scenario, n *rig.Node) float64 {
	s.Helper()
	return scrape(s, n.Setting("ATELIER_OPS_ADDR"))["go_goroutines"]
}

// sickness is what somebody else does to the database.
type sickness struct {
	s       *rig.Scenario
	url     string
	project string // whose row is held
	held    string // its path
	conn    *pgx.Conn
	tx      pgx.Tx
}

func (k *sickness) hold(statement string, args ...any) {
	var err error
	k.conn, err = pgx.Connect(k.s.Context(), k.url)
	k.s.Must(err)
	k.tx, err = k.conn.Begin(k.s.Context())
	k.s.Must(err)
	_, err = k.tx.Exec(k.s.Context(), statement, args...)
	k.s.Must(err)
}

func (k *sickness) release() {
	k.s.Must(k.tx.Rollback(k.s.Context()))
	k.s.Must(k.conn.Close(k.s.Context()))
}

// askers are users of all nodes who read and write, each some one thing.
func (k *sickness) askers(nodes []*rig.Node) (all []*sickAsker) {
	s := k.s
	user := s.Register(nodes[0], "asker")
	for _, n := range nodes {
		signed := s.SignIn(n, user)
		c := signed.At(n)
		for i := range sickAskers {
			p, r := c.CreateProject(s.Context(), fmt.Sprintf("of %s, %d", n.Name, i), 3)
			if p == nil {
				s.Fatalf("a project was not created: %s", r)
			}
			a := &sickAsker{s: s, client: signed.At(n), method: "PATCH", path: "/projects/" + p.ID}
			switch i % 4 {
			case 1:
				a.method = "GET"
			case 2:
				a.method, a.path = "GET", "/projects?limit=5"
			case 3:
				a.method, a.path = "GET", "/projects/"+p.ID+"/collaborators"
			default:
				k.project, k.held = p.ID, a.path
			}
			all = append(all, a)
		}
	}
	return all
}

// sickAsker asks one node for one thing, over and over.
type sickAsker struct {
	s            *rig.Scenario
	client       *rig.Client
	method, path string
	good         atomic.Int64

	refused, late, bad int // of this fault; they belong to run
	slowest            time.Duration
	odd                *rig.Reply
}

func (a *sickAsker) begin() { a.refused, a.late, a.bad, a.slowest, a.odd = 0, 0, 0, 0, nil }

func (a *sickAsker) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		var body any
		if a.method == "PATCH" {
			body = map[string]string{"name": fmt.Sprint("change ", n)}
		}
		began := time.Now()
		r := a.client.Do(a.s.Context(), a.method, a.path, body)
		a.slowest = max(a.slowest, time.Since(began))
		switch {
		case r.OK():
			a.good.Add(1)
		case r.Status == 503 && r.Header.Get("Retry-After") != "":
			a.refused++
		case r.Status == 504:
			a.late++
		default:
			a.bad++
			a.odd = r
		}
		time.Sleep(sickPause)
	}
}

// judge says what was wrong with the answers. Those who want nothing of what somebody
// holds are not refused.
func (a *sickAsker) judge(f illness, unaffected bool) {
	what := fmt.Sprintf("%s: node %s: %s %s", f.name, a.client.Node.Name, a.method, a.path)
	if a.bad > 0 {
		a.s.Found("%s: %d answers such as %s", what, a.bad, a.odd)
	}
	if a.slowest > f.answers+scheduling {
		a.s.Found("%s: an answer took %s", what, a.slowest)
	}
	if unaffected && a.refused+a.late > 0 {
		a.s.Found("%s: %d were refused and %d late, though nobody held anything of theirs", what, a.refused, a.late)
	}
	a.s.Logf("%s: %d refused, %d late, the slowest took %s", what, a.refused, a.late, a.slowest.Round(time.Millisecond))
}
