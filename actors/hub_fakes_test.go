package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// annals are a log in memory.
type annals struct {
	mu     sync.Mutex
	events map[messages.Topic][]*messages.EventRecord
	folded map[messages.Topic]int64
	away   error
	reads  int
}

func newAnnals(names ...messages.Topic) *annals {
	a := &annals{events: make(map[messages.Topic][]*messages.EventRecord), folded: make(map[messages.Topic]int64)}
	for _, name := range names {
		a.events[name] = nil
	}
	return a
}

func (a *annals) Heads(_ context.Context, kind string, ids []string) (map[string]int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := make(map[string]int64)
	for _, id := range ids {
		if events, exists := a.events[messages.Topic{Kind: kind, ID: id}]; exists {
			found[id] = int64(len(events))
		}
	}
	return found, a.away
}

func (a *annals) ListEvents(_ context.Context, q *messages.EventQuery) (*messages.EventPage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.events {
		if messages.ProjectStream(name.ID) == q.GetStream() {
			return &messages.EventPage{Items: a.from(name, q.GetAfterSeq(), int(q.GetLimit()))}, a.away
		}
	}
	return &messages.EventPage{}, a.away
}

func (a *annals) ListUpdates(_ context.Context, document string, after int64, limit int) ([]*messages.EventRecord, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := messages.Topic{Kind: messages.TopicDocument, ID: document}
	return a.from(name, max(after, a.folded[name]), limit), a.away
}

func (a *annals) from(name messages.Topic, after int64, limit int) []*messages.EventRecord {
	a.reads++
	events := a.events[name]
	if after >= int64(len(events)) {
		return nil
	}
	return slices.Clone(events[after:min(int(after)+limit, len(events))])
}

func (a *annals) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// town is some hubs, a log, and the network between the hubs, which does with
// messages what a test says.
type town struct {
	t     *testing.T
	log   *annals
	hubs  map[string]*Hub
	nodes []string

	mu     sync.Mutex
	owner  map[string]string // what each node takes for the owner of all
	pushed func(from, to string, p *messages.Push) error
	asked  func(from, to string) error
}

// newTown begins with the first node as the owner of all topics.
func newTown(t *testing.T, log *annals, nodes ...string) *town {
	n := &town{t: t, log: log, hubs: make(map[string]*Hub), nodes: nodes, owner: make(map[string]string)}
	for _, node := range nodes {
		n.owner[node] = nodes[0]
		n.start(node)
	}
	return n
}

func (n *town) start(node string) *Hub {
	h := NewHub(node, n.log, road{n, node}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	n.mu.Lock()
	n.hubs[node] = h
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); h.Run(ctx) }()
	n.t.Cleanup(func() {
		cancel()
		<-ended
		require.NoError(n.t, h.Stop(context.Background()))
	})
	return h
}

// moves changes what nodes take for the owner.
func (n *town) moves(owner string, nodes ...string) {
	n.mu.Lock()
	for _, node := range nodes {
		n.owner[node] = owner
	}
	n.mu.Unlock()
	for _, node := range nodes {
		n.hub(node).Moved()
	}
}

func (n *town) setPushed(f func(from, to string, p *messages.Push) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pushed = f
}

func (n *town) setAsked(f func(from, to string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = f
}

func (n *town) hub(node string) *Hub {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hubs[node]
}

// road is the network as a node sees it.
type road struct {
	*town
	from string
}

func (r road) Owner(messages.Topic) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.owner[r.from]
}

func (r road) Watch(ctx context.Context, node string, w *messages.Watch) (*messages.Watched, error) {
	r.mu.Lock()
	asked, to := r.asked, r.hubs[node]
	r.mu.Unlock()
	if asked != nil {
		if err := asked(r.from, node); err != nil {
			return nil, err
		}
	}
	return to.Watched(ctx, w)
}

func (r road) Push(ctx context.Context, node string, p *messages.Push) error {
	r.mu.Lock()
	pushed, to := r.pushed, r.hubs[node]
	r.mu.Unlock()
	b, err := proto.Marshal(p)
	if err != nil {
		return err
	}
	sent := &messages.Push{}
	if err := proto.Unmarshal(b, sent); err != nil {
		return err
	}
	if pushed != nil {
		if err := pushed(r.from, node, sent); err != nil {
			return err
		}
	}
	return to.Pushed(ctx, sent)
}

var errLost = errors.New("lost on the way")

// commit appends events to the log, and lets a node's entity say so.
func (n *town) commit(node string, name messages.Topic, data ...string) {
	n.log.mu.Lock()
	next := int64(len(n.log.events[name])) + 1
	var rows []store.Event
	c := &store.Commit{Fence: store.Fence{Kind: store.Kind(name.Kind), ID: name.ID}}
	var events []messages.Event
	var stamps []messages.Stamp
	for i, d := range data {
		seq := next + int64(i)
		n.log.events[name] = append(n.log.events[name], &messages.EventRecord{Seq: seq, Data: []byte(d)})
		if name.Kind == messages.TopicDocument {
			events, stamps = append(events, &messages.DocumentUpdated{Update: []byte(d)}), append(stamps, messages.Stamp{Version: seq})
			continue
		}
		rows = append(rows, store.Event{Seq: seq, Data: []byte(d)})
	}
	c.Events = rows
	n.log.mu.Unlock()
	n.hub(node).committed(store.Kind(name.Kind), name.ID, c, events, stamps)
}

// reader is one who watches, and holds what he is told against the rules.
type reader struct {
	mu      sync.Mutex
	at      int64 // -1 until the first batch, where nobody has said yet
	events  []string
	signals []string
	lost    int
	wrong   []string
	changes []*messages.PresenceChange
	here    map[string]string
}

func watch(t *testing.T, h *Hub, name messages.Topic) (r *reader, stop func()) {
	t.Helper()
	r = &reader{at: -1}
	at, stop, err := h.Watch(t.Context(), name, r)
	require.NoError(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := r.at - int64(len(r.events)); r.at >= 0 && first != at {
		r.wrong = append(r.wrong, fmt.Sprintf("told from %d on, watching from %d", first, at))
	}
	if r.at < 0 {
		r.at = at
	}
	return r, stop
}

func (r *reader) Committed(b *messages.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range b.Events {
		if r.at < 0 {
			r.at = e.GetSeq() - 1
		}
		if e.GetSeq() != r.at+1 {
			r.wrong = append(r.wrong, fmt.Sprintf("%d after %d", e.GetSeq(), r.at))
		}
		r.at = e.GetSeq()
		r.events = append(r.events, string(e.GetData()))
	}
	if r.lost > 0 {
		r.wrong = append(r.wrong, "told after the end")
	}
}

func (r *reader) Signals(all []*messages.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range all {
		r.signals = append(r.signals, string(s.Payload))
	}
}

func (r *reader) Lost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost++
}

func (r *reader) Present(c *messages.PresenceChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c)
	if c.Whole {
		r.here = make(map[string]string)
	}
	for _, p := range append(slices.Clone(c.All), c.Join...) {
		if _, known := r.here[p.UserID]; known {
			r.wrong = append(r.wrong, p.UserID+" joins twice")
		}
		r.here[p.UserID] = string(p.State)
	}
	for _, p := range c.Update {
		if _, known := r.here[p.UserID]; !known {
			r.wrong = append(r.wrong, p.UserID+" changes and is not there")
		}
		r.here[p.UserID] = string(p.State)
	}
	for _, user := range c.Leave {
		if _, known := r.here[user]; !known {
			r.wrong = append(r.wrong, user+" leaves twice")
		}
		delete(r.here, user)
	}
}

// saw is what was told so far. Nothing may have been wrong.
func (r *reader) saw(t *testing.T) (events, signals []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.wrong)
	return slices.Clone(r.events), slices.Clone(r.signals)
}

func (r *reader) losses() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// told are the changes of who is there.
func (r *reader) told() []*messages.PresenceChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.changes)
}

// present is who is there, as far as was told.
func (r *reader) present(t *testing.T) map[string]string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.wrong)
	here := make(map[string]string)
	for user, state := range r.here {
		here[user] = state
	}
	return here
}

func ofProject(id string) messages.Topic { return messages.Topic{Kind: messages.TopicProject, ID: id} }

func ofDocument(id string) messages.Topic {
	return messages.Topic{Kind: messages.TopicDocument, ID: id}
}

// chance is a source of chance that a failed run can be repeated with.
func chance(t *testing.T, seed uint64) *rand.Rand {
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
