package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// topics are those that are watched on this node.
type topics struct {
	byTopic[*topic]
	say [topicShards]sync.Mutex // held from a signal's number until it waits everywhere
}

// saying is the lock under which signals of a topic get their numbers.
func (ts *topics) saying(name messages.Topic) *sync.Mutex { return &ts.say[ts.index(name)] }

// get finds a topic or makes it.
func (ts *topics) get(name messages.Topic, make func() *topic) (t *topic, made bool) {
	s := ts.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.m[name]; t == nil {
		t, made = make(), true
		s.m[name] = t
	}
	return t, made
}

func (ts *topics) remove(t *topic) {
	s := ts.shard(t.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m[t.name] == t {
		delete(s.m, t.name)
	}
}

func (ts *topics) all() (all []*topic) {
	for i := range ts.shards {
		s := &ts.shards[i]
		s.mu.RLock()
		for _, t := range s.m {
			all = append(all, t)
		}
		s.mu.RUnlock()
	}
	return all
}

// topic is an entity that is watched on this node, however many do. What comes for
// it waits in its inbox; one goroutine at a time, which is there while anything
// waits, passes it on.
type topic struct {
	hub    *Hub
	name   messages.Topic
	opened chan struct{} // closed once last is known, or failed is set
	failed error         // set before opened is closed

	mu      sync.Mutex
	last    int64            // told to all who watch
	head    int64            // known to be committed
	inbox   []parcel         // what comes, oldest first
	size    int              // its bytes
	working bool             // a goroutine passes on
	lost    bool             // it ends by telling so
	closed  bool             // nobody can join any more
	members map[*member]bool // who watches
	list    []*member        // the same; nil: to be made anew
	idle    time.Time        // since when nobody watches
	heard   map[string]int64 // node → number of its last signal
	room    presenceOfTopic  // who is there
}

// member is one who watches.
type member struct {
	w    messages.Watcher
	gone atomic.Bool
}

// parcel is one thing that came for a topic.
type parcel struct {
	events []*messages.EventRecord
	said   *messages.Said
}

func (p parcel) size() (bytes int) {
	for _, e := range p.events {
		bytes += len(e.GetData()) + 256
	}
	return bytes + len(p.said.GetPayload())
}

// topic finds what is watched already, or begins to watch it.
func (h *Hub) topic(name messages.Topic) *topic {
	t, made := h.topics.get(name, func() *topic {
		return &topic{hub: h, name: name, opened: make(chan struct{}), members: make(map[*member]bool), heard: make(map[string]int64), idle: time.Now()}
	})
	if made && !h.goDo(t.open) {
		t.closed, t.failed = true, messages.Refuse(messages.CodeUnavailable, "the node is shutting down")
		h.topics.remove(t)
		close(t.opened)
	}
	return t
}

// openTopic is a topic once it is open.
func (h *Hub) openTopic(ctx context.Context, name messages.Topic) (*topic, error) {
	t := h.topic(name)
	select {
	case <-t.opened:
		return t, t.failed
	case <-ctx.Done():
		return nil, messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	}
}

// open subscribes at the owner and reads the head, in this order: what is
// committed after the head was read is sent here. Where the owner cannot be asked,
// the log is all there is to find out from, and rounds ask it.
func (t *topic) open() {
	ctx, cancel := t.hub.within(openTimeout)
	defer cancel()
	t.hub.subscribe(ctx, []*topic{t})
	found, err := t.hub.log.Heads(ctx, t.name.Kind, []string{t.name.ID})
	head, exists := found[t.name.ID]
	if err == nil && !exists {
		err = messages.Missing(t.name.Kind)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last, t.failed = head, err; err != nil {
		t.closed = true
		t.hub.topics.remove(t)
	}
	t.head = max(t.head, head)
	close(t.opened)
	t.start()
}

// join adds one who watches. Not ok: the topic has ended.
func (t *topic) join(w messages.Watcher) (m *member, at int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, 0, false
	}
	m = &member{w: w}
	t.members[m], t.list = true, nil
	t.hub.counts.watchers.Add(1)
	t.welcome(m)
	return m, t.last, true
}

// leave removes one who watches. The topic stays for a while.
func (t *topic) leave(m *member) {
	if m.gone.Swap(true) {
		return
	}
	t.hub.counts.watchers.Add(-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if delete(t.members, m); len(t.members) == 0 {
		t.idle = time.Now()
	}
	t.list = nil
}

// everyone is who watches now; under mu. What it returns is not changed.
func (t *topic) everyone() []*member {
	if t.list == nil {
		t.list = make([]*member, 0, len(t.members))
		for m := range t.members {
			t.list = append(t.list, m)
		}
	}
	return t.list
}

// take lets something wait to be passed on. It never blocks: what finds no place is
// left out, and what was committed is read from the log then.
func (t *topic) take(p parcel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := p.size()
	if len(t.inbox) >= maxInbox || t.size+size > maxInboxSize && len(t.inbox) > 0 {
		t.hub.counts.dropped.Add(1)
		if n := len(p.events); n > 0 {
			t.head = max(t.head, p.events[n-1].GetSeq())
		}
		return
	}
	t.inbox, t.size = append(t.inbox, p), t.size+size
	t.start()
}

// reached notes that a position was committed.
func (t *topic) reached(head int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if head > t.head {
		t.head = head
		t.start()
	}
}

// start has what waits passed on, once the topic is open; under mu.
func (t *topic) start() {
	select {
	case <-t.opened:
	default:
		return // open does
	}
	if !t.working && !t.closed {
		t.working = t.hub.goDo(t.pass)
	}
}

// pass passes on what waits until nothing does.
func (t *topic) pass() {
	for t.step() {
	}
}
