package actors

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"atelier/actors/store"
	"atelier/messages"
)

// LiveLog is where what was committed is read: on the primary, since a replica
// may lack it.
type LiveLog interface {
	// Heads are the positions that topics of a kind have reached. Those that do not
	// exist are left out.
	Heads(ctx context.Context, kind string, ids []string) (map[string]int64, error)
	// ListEvents pages through a stream of the log.
	ListEvents(context.Context, *messages.EventQuery) (*messages.EventPage, error)
	// ListUpdates are updates of a document behind a position that are not folded,
	// in their order.
	ListUpdates(ctx context.Context, document string, after int64, limit int) ([]*messages.EventRecord, error)
}

// Hubs are those of the other nodes.
type Hubs interface {
	// Owner is the node that a topic's entity belongs on, by the view of now; empty:
	// nobody knows.
	Owner(messages.Topic) (node string)
	// Watch tells a node what this one watches of what belongs there.
	Watch(ctx context.Context, node string, w *messages.Watch) (*messages.Watched, error)
	// Push brings a node what happened. It returns when the node has taken it.
	Push(ctx context.Context, node string, p *messages.Push) error
}

// Times and bounds of a hub.
const (
	renewEvery   = 2 * time.Second // subscriptions, and the look at what the log has
	audienceTTL  = 3 * renewEvery  // a node that does not renew is told nothing any more
	lingerFor    = 5 * time.Second // a subscription that nobody needs
	openTimeout  = 5 * time.Second
	askTimeout   = 1500 * time.Millisecond // one question to a hub or to the log, in rounds
	fillTimeout  = 5 * time.Second         // one chunk of a gap
	fillAgain    = 200 * time.Millisecond  // after a failure
	fillsAtOnce  = 4
	eventChunk   = 256 // of a gap of events
	updateChunk  = 64  // of updates, each of which may be large
	maxSignal    = messages.MaxSize
	maxInline    = messages.MaxSize // bytes of an event that are sent; a larger one is read from the log
	maxInbox     = 1024             // parcels that wait in a topic
	maxInboxSize = 4 << 20          // their bytes
)

// Hub is what a node knows of who watches, in both of its parts.
//
// As the owner of entities it has for each that is watched the nodes that do. What
// was committed is sent to them, at most once: it may be lost on the way, come twice
// or late.
//
// On behalf of those who watch on this node it has one topic for each entity, with
// the position up to which all of them were told. What follows it without a gap is
// passed on; what is missing is read from the log; what was told before is dropped.
// So nothing that is sent need be reliable, and the log decides what has happened.
type Hub struct {
	node   string
	log    LiveLog
	others Hubs // nil: this node is alone
	logger *slog.Logger

	topics    topics
	audiences audiences
	rooms     rooms
	peers     sync.Map // node → *outbox
	said      atomic.Int64
	fills     chan struct{} // a place is taken by each gap that is being read
	kick      chan struct{} // the view has changed
	counts    hubCounts

	within func(time.Duration) (context.Context, context.CancelFunc) // ends with the hub
	cancel context.CancelFunc
	done   <-chan struct{}
	mu     sync.RWMutex // held for reading while work begins
	closed bool
	work   sync.WaitGroup
}

// NewHub makes the hub of a node. Others is nil where there are none.
func NewHub(node string, log LiveLog, others Hubs, logger *slog.Logger) *Hub {
	all, cancel := context.WithCancel(context.Background())
	h := &Hub{
		node: node, log: log, others: others, logger: logger, fills: make(chan struct{}, fillsAtOnce), kick: make(chan struct{}, 1),
		within: func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(all, d) },
		cancel: cancel, done: all.Done(),
	}
	h.said.Store(time.Now().UnixMicro()) // higher than what an earlier process of this node has used
	h.rooms.m = make(map[messages.Topic]*merged)
	h.topics.init()
	h.audiences.init()
	return h
}

// Stop ends what the hub does. Nobody is told anything any more.
func (h *Hub) Stop(context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.work.Wait()
	return nil
}

// goDo runs f in a goroutine that Stop waits for. Not ok: the hub has stopped.
func (h *Hub) goDo(f func()) (ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.closed {
		h.work.Go(f)
	}
	return !h.closed
}

// Watch lets w be told of a topic from its head on, which is returned. Calls to w
// may begin before Watch has returned. After stop has returned none begins; one
// that is under way in another goroutine may still be ending.
func (h *Hub) Watch(ctx context.Context, name messages.Topic, w messages.Watcher) (at int64, stop func(), err error) {
	for {
		t, err := h.openTopic(ctx, name)
		if err != nil {
			return 0, nil, err
		}
		if m, at, ok := t.join(w); ok {
			return at, func() { t.leave(m) }, nil
		}
	}
}

// Signal tells all who watch a topic, on all nodes, this one included: at most
// once. One that is larger than 64 KiB is not sent.
func (h *Hub) Signal(name messages.Topic, payload []byte) {
	if len(payload) > maxSignal {
		h.counts.dropped.Add(1)
		return
	}
	say := h.topics.saying(name) // one that overtakes another would be the last that is heard
	say.Lock()
	defer say.Unlock()
	s := &messages.Said{Node: h.node, Number: h.said.Add(1), Payload: payload}
	h.counts.signals.Add(1)
	if t := h.topics.find(name); t != nil {
		t.take(parcel{said: s})
	}
	h.sendUp(name, &messages.Pushed{Said: []*messages.Said{s}})
}

// sendUp brings something to the owner of a topic, who passes it on.
func (h *Hub) sendUp(name messages.Topic, p *messages.Pushed) {
	p.Kind, p.Id, p.Up = name.Kind, name.ID, true
	switch owner := h.owner(name); owner {
	case "":
	case h.node:
		h.relay(h.node, p)
	default:
		h.outbox(owner).add(p)
	}
}

// owner is the node of a topic's entity; this one where it is alone.
func (h *Hub) owner(name messages.Topic) string {
	if h.others == nil {
		return h.node
	}
	return h.others.Owner(name)
}

// committed is told by entities what their flights have written, once that is
// durable and answered. It costs a look where nobody watches.
func (h *Hub) committed(kind store.Kind, id string, c *store.Commit, events []messages.Event, stamps []messages.Stamp) {
	if h == nil || kind != store.Project && kind != store.Document {
		return
	}
	name := messages.Topic{Kind: string(kind), ID: id}
	t, nodes := h.topics.find(name), h.audiences.nodes(name)
	if t == nil && len(nodes) == 0 {
		return
	}
	records := recordsOf(c, events, stamps)
	if len(records) == 0 {
		return
	}
	h.counts.published.Add(int64(len(records)))
	if t != nil {
		t.take(parcel{events: records})
	}
	if len(nodes) > 0 {
		p := pushedOf(name, records)
		for _, node := range nodes {
			h.outbox(node).add(p)
		}
	}
}

// recordsOf are what a commit appended to a project's log, or to a document.
func recordsOf(c *store.Commit, events []messages.Event, stamps []messages.Stamp) (records []*messages.EventRecord) {
	for _, e := range c.Events {
		records = append(records, &messages.EventRecord{
			Id: e.ID, Type: e.Type, Stream: c.Stream, Seq: e.Seq, ActorId: e.Actor, OccurredAt: messages.Micros(e.OccurredAt), Data: e.Data, Version: e.Version,
		})
	}
	if c.Kind != store.Document {
		return records
	}
	for i, e := range events {
		if u, is := e.(*messages.DocumentUpdated); is {
			records = append(records, &messages.EventRecord{Type: u.EventType(), Seq: stamps[i].Version, Data: u.GetUpdate()})
		}
	}
	return records
}

// pushedOf is what other nodes are sent of records: up to the first large one, and
// the position of the last.
func pushedOf(name messages.Topic, records []*messages.EventRecord) *messages.Pushed {
	p := &messages.Pushed{Kind: name.Kind, Id: name.ID, Head: records[len(records)-1].GetSeq()}
	size := 0
	for _, r := range records {
		if size += len(r.GetData()); size > maxInline {
			break
		}
		p.Events = append(p.Events, r)
	}
	return p
}
