package actors

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is a database in memory that keeps the promises of the port and does
// what tests tell it: hold a write, fail it, forget to say that it worked.
type ledger struct {
	mu       sync.Mutex
	rows     map[string]*row
	commands map[store.CommandKey]store.Reply
	groups   []int         // sizes of the groups written
	users    func() bool   // whether users that are added exist; nil: yes
	gate     chan struct{} // while set, writes wait for it
	releases []func()
	arrived  chan struct{} // told of every write before it waits
	outcomes []outcomeOf   // scripted ends of the next writes
	claims   int
	kept     map[string]bool // nodes that keep what they hold until they hand it over
	clearing chan struct{}   // while set, releases report to it and wait to be let go by it
}

type row struct {
	store.Fence
	node  string
	state *project.State
}

// outcomeOf ends a write: apply says whether it is carried out, err what is said.
type outcomeOf struct {
	apply bool
	err   error
}

func newLedger() *ledger {
	return &ledger{rows: map[string]*row{}, commands: map[store.CommandKey]store.Reply{}, arrived: make(chan struct{}, 1024)}
}

// hold makes the writes that follow wait until the returned function is called,
// or the test has ended.
func (l *ledger) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.gate = gate
	release = sync.OnceFunc(func() {
		l.mu.Lock()
		if l.gate == gate {
			l.gate = nil
		}
		l.mu.Unlock()
		close(gate)
	})
	l.releases = append(l.releases, release)
	return release
}

func (l *ledger) next(o outcomeOf) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes = append(l.outcomes, o)
}

// steal raises the epoch, as the claim of another node does.
func (l *ledger) steal(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[id].Epoch++
}

func (l *ledger) Claim(_ context.Context, id, node string) (store.Claimed[*project.State], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claims++
	r := l.rows[id]
	if r == nil {
		return store.Claimed[*project.State]{}, store.ErrNotFound
	}
	if r.node != node && l.kept[r.node] {
		return store.Claimed[*project.State]{}, &store.MovedError{Node: r.node}
	}
	r.Epoch++
	r.node = node
	return store.Claimed[*project.State]{Fence: r.Fence, State: r.state.Clone()}, nil
}

func (l *ledger) Release(_ context.Context, id, node string) error {
	if l.clearing != nil {
		l.clearing <- struct{}{}
		<-l.clearing
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rows[id]; r != nil && r.node == node {
		r.node = ""
	}
	return nil
}

// belongs makes the row that of a node which keeps it.
func (l *ledger) belongs(id, node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[id].node = node
	l.kept = map[string]bool{node: true}
}

func (l *ledger) owner(id string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[id].node
}

func (l *ledger) claimed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claims
}

func (l *ledger) Write(_ context.Context, group []*store.Commit) ([]store.Result, error) {
	l.mu.Lock()
	l.groups = append(l.groups, len(group))
	gate := l.gate
	l.mu.Unlock()
	l.arrived <- struct{}{}
	if gate != nil {
		<-gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	apply, err := true, error(nil)
	if len(l.outcomes) > 0 {
		apply, err = l.outcomes[0].apply, l.outcomes[0].err
		l.outcomes = l.outcomes[1:]
	}
	results := make([]store.Result, len(group))
	for i, c := range group {
		if apply {
			results[i] = l.write(c)
		}
	}
	return results, err
}

func (l *ledger) write(c *store.Commit) (r store.Result) {
	for _, reply := range c.Replies {
		if known, ok := l.commands[reply.CommandKey]; ok {
			r.Known, r.Duplicate = append(r.Known, known), true
		}
	}
	for _, key := range c.Lookups {
		if known, ok := l.commands[key]; ok {
			r.Known = append(r.Known, known)
		}
	}
	if r.Duplicate {
		return r
	}
	at := l.rows[c.ID]
	if at == nil && c.Epoch != 0 || at != nil && (at.Epoch != c.Epoch || at.Version != c.Version) {
		r.Err = store.ErrFenced
		return r
	}
	if change, ok := c.Change.(*project.Change); ok && len(change.Put) > 0 && l.users != nil && !l.users() {
		r.Err = messages.Missing("user")
		return r
	}
	if at == nil && c.Change != nil {
		at = &row{Fence: store.Fence{Kind: c.Kind, ID: c.ID, Epoch: 1}, node: c.Node, state: &project.State{}}
		l.rows[c.ID] = at
	}
	for _, e := range c.Events {
		event, err := messages.ParseEvent(e.Type, e.Data)
		if err != nil {
			panic(err)
		}
		at.state.Apply(event, messages.Stamp{At: e.OccurredAt, Version: e.Version, Seq: e.Seq})
	}
	if at != nil {
		at.Version = c.Next
	}
	for _, reply := range c.Replies {
		l.commands[reply.CommandKey] = reply
	}
	return r
}

func (l *ledger) state(id string) *project.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[id].state.Clone()
}

func (l *ledger) written() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int(nil), l.groups...)
}

// fakeLease vouches as it is told.
type fakeLease struct {
	era   atomic.Int64
	trust atomic.Bool
	now   atomic.Int64 // µs
}

func (l *fakeLease) Now() time.Time       { return messages.Time(l.now.Add(1)) }
func (l *fakeLease) Trust() (int64, bool) { return l.era.Load(), l.trust.Load() }

// fakeBarrier hands revocations to the test, or lets them pass.
type fakeBarrier struct {
	mu   sync.Mutex
	seen [][]messages.Mark
	wait chan func() // nil: done at once
}

func (b *fakeBarrier) Revoke(marks []messages.Mark, done func()) {
	b.mu.Lock()
	b.seen = append(b.seen, marks)
	b.mu.Unlock()
	if b.wait == nil {
		done()
		return
	}
	b.wait <- done
}

func (b *fakeBarrier) marks() [][]messages.Mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([][]messages.Mark(nil), b.seen...)
}

type fakeHints struct {
	committed atomic.Int64
	defect    atomic.Bool // panic
}

func (h *fakeHints) Committed(store.Kind, string, []messages.Event) {
	if h.committed.Add(1); h.defect.Load() {
		panic("a defect")
	}
}

// fakePeers do with what they are asked for as the test says.
type fakePeers struct {
	mu       sync.Mutex
	asked    []string
	handOver func(ctx context.Context, node, id string) error
}

func (p *fakePeers) HandOver(ctx context.Context, node string, kind store.Kind, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, node+" for "+string(kind)+" "+id)
	return p.handOver(ctx, node, id)
}

func (p *fakePeers) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// world is a runtime of projects on a ledger.
type world struct {
	*Runtime
	t        *testing.T
	ledger   *ledger
	lease    *fakeLease
	barrier  *fakeBarrier
	hints    *fakeHints
	peers    *fakePeers
	projects *Projects
}

func newWorld(t *testing.T, adjust ...func(*Config)) *world {
	w := &world{t: t, ledger: newLedger(), lease: &fakeLease{}, barrier: &fakeBarrier{}, hints: &fakeHints{}, peers: &fakePeers{}}
	w.lease.trust.Store(true)
	w.lease.now.Store(messages.Micros(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)))
	config := DefaultConfig()
	config.Committer.Writers = 1
	for _, f := range adjust {
		f(&config)
	}
	w.Runtime = New(config, Deps{
		Node: "n1", Lease: w.lease, Barrier: w.barrier, Hints: w.hints, Peers: w.peers, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, w.ledger)
	AddProjects(w.Runtime, w.ledger)
	w.probed(store.Project)
	w.Start()
	w.projects = NewProjects(NewLocal(w.Runtime))
	t.Cleanup(func() {
		for _, release := range w.ledger.releases { // a test that failed may have left writes waiting
			release()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, w.Stop(ctx))
	})
	return w
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// as is the Meta of ann's commands; each has an id of its own, as the edge gives it.
func as() *messages.Meta { return &messages.Meta{Principal: "ann", CommandId: "m:" + newID()} }

// keyed is the Meta of a request with the client's own key.
func keyed(key, fingerprint string) *messages.Meta {
	return &messages.Meta{Principal: "ann", CommandId: "k:" + key, Fingerprint: []byte(fingerprint)}
}

// create makes a project of ann's with that many seats.
func (w *world) create(seats int32) string {
	w.t.Helper()
	id := newID()
	_, err := w.projects.CreateProject(w.t.Context(), &messages.CreateProject{
		Meta: as(), ProjectId: id, Name: "n", Settings: &messages.SettingsChange{MaxCollaborators: &seats},
	})
	require.NoError(w.t, err)
	<-w.ledger.arrived
	return id
}

func (w *world) add(id, user string) error {
	_, err := w.projects.AddCollaborator(w.t.Context(), &messages.AddCollaborator{Meta: as(), ProjectId: id, UserId: user})
	return err
}

// later runs f and delivers what it returns.
func later[R any](f func() R) <-chan R {
	c := make(chan R, 1)
	go func() { c <- f() }()
	return c
}

// queued waits until that many commands wait in the entity.
func (w *world) queued(id string, n int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		return inspect(w, id, func(e *entity[*project.State]) bool { return len(e.queue) == n })
	}, 5*time.Second, time.Millisecond)
}

// probe is run in an entity's own turn.
type probe func(actor.Actor)

// probed lets the kind's entities take probes.
func (w *world) probed(name store.Kind) {
	kind := w.kinds[name]
	kind.props = kind.props.Configure(actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(c actor.ReceiverContext, m *actor.MessageEnvelope) {
			if p, ok := m.Message.(probe); ok {
				p(c.Actor())
				return
			}
			next(c, m)
		}
	}))
	w.kinds[name] = kind
}

// inspect runs f in the entity's own turn.
func inspect[R any](w *world, id string, f func(*entity[*project.State]) R) R {
	w.t.Helper()
	at := w.directory.find(store.Project, id)
	require.NotNil(w.t, at)
	return probeAt(w, at, f)
}

func probeAt[R any](w *world, at *slot, f func(*entity[*project.State]) R) R {
	c := make(chan R, 1)
	w.tell(at.pid, probe(func(e actor.Actor) { c <- f(e.(*entity[*project.State])) }))
	return <-c
}
