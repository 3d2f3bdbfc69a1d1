package actors

import (
	"sync"
	"time"

	"atelier/actors/room"
	"atelier/messages"
)

const (
	youngFor = renewEvery + time.Second // until all nodes have reported who is there
	quietFor = time.Second              // after a change nodes may have yet to hear of it
	maxRooms = 1 << 17
)

// rooms are the projects of which this node merges who is there.
type rooms struct {
	mu sync.Mutex
	m  map[messages.Topic]*merged
}

// merged is who is in a project by the reports of all nodes. Its numbers begin with
// it; a new owner's begin anew.
type merged struct {
	hub  *Hub
	name messages.Topic
	id   string
	born time.Time

	mu       sync.Mutex
	set      room.Set
	reports  map[string]*reports // by node
	number   int64               // of the last change that was sent
	changed  time.Time           // when that was
	settled  bool                // all nodes have had the time to report
	flushing bool                // a change is about to be sent
	ended    bool
}

// reports are a node's.
type reports struct {
	number int64 // of the last; -1: one was missed
	until  time.Time
	named  map[string]bool // whom the parts of a whole have named so far
	part   int64
}

// room finds what is merged here of a project, or begins to. It is nil where there
// is none and none is to be.
func (h *Hub) room(name messages.Topic, begin bool) *merged {
	h.rooms.mu.Lock()
	defer h.rooms.mu.Unlock()
	r := h.rooms.m[name]
	if r == nil && begin && len(h.rooms.m) < maxRooms {
		r = &merged{hub: h, name: name, id: h.birth(), born: time.Now(), reports: make(map[string]*reports)}
		h.rooms.m[name] = r
	}
	return r
}

// attend takes how far a node is that watches: whether it has reported all that it
// has, and whether it is sent the whole, since it lacks something.
func (h *Hub) attend(name messages.Topic, node string, w *messages.Watching) (reported, coming bool) {
	if name.Kind != messages.TopicProject {
		return true, false
	}
	r := h.room(name, w.GetRoom() != "" || w.GetShare() > 0)
	if r == nil {
		return true, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.reports[node]
	switch {
	case w.GetShare() == 0 && from != nil:
		r.drop(node)
	case from != nil:
		from.until = time.Now().Add(audienceTTL)
	}
	if w.GetRoom() != r.id || w.GetMirror() < 0 || w.GetMirror() < r.number && time.Since(r.changed) > quietFor {
		r.flush() // what waits is in the whole, and is not sent after it
		r.sendWhole([]string{node})
		coming = true
	}
	return w.GetShare() == 0 || from != nil && from.number == w.GetShare(), coming
}

// report takes what a node says of its users.
func (h *Hub) report(name messages.Topic, node string, p *messages.Presence) {
	r := h.room(name, true)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.reports[node]
	if from == nil {
		from = &reports{}
		r.reports[node] = from
	}
	from.until = time.Now().Add(audienceTTL)
	if !from.takes(p) {
		return // it is asked for the whole when it renews
	}
	for _, m := range membersOf(p) {
		r.set.Put(node, m)
		if from.named != nil {
			from.named[m.UserID] = true
		}
	}
	for _, user := range p.GetGone() {
		r.set.Remove(node, user)
	}
	if p.GetWhole() && !p.GetMore() {
		r.set.Keep(node, from.named)
		from.named = nil
	}
	r.changes()
}

// takes reports whether a report follows the one before.
func (f *reports) takes(p *messages.Presence) bool {
	switch {
	case p.GetWhole() && p.GetFrom() == 0:
		f.named, f.part = make(map[string]bool), 1
	case p.GetWhole() && p.GetFrom() == f.part:
		f.part++
	case !p.GetWhole() && (p.GetFrom() == f.number || p.GetTo() == f.number): // or another part of it
	default:
		f.number, f.named = -1, nil
		return false
	}
	if !p.GetWhole() || !p.GetMore() {
		f.number = p.GetTo()
	}
	return true
}

// drop forgets what a node has reported; under mu.
func (r *merged) drop(node string) {
	delete(r.reports, node)
	r.set.Drop(node)
	r.changes()
}

// changes lets what has changed be sent in a moment; under mu.
func (r *merged) changes() {
	if r.flushing || !r.set.Changed() {
		return
	}
	r.flushing = true
	time.AfterFunc(time.Until(r.changed.Add(gather)), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.flush()
	})
}

// flush sends what has changed to all who watch; under mu, so that what is sent
// leaves in its order.
func (r *merged) flush() {
	r.flushing = false
	if r.ended || !r.set.Changed() {
		return
	}
	here, gone := r.set.Changes()
	nodes := append([]string{r.hub.node}, r.hub.audiences.nodes(r.name)...)
	for _, part := range presenceParts(&messages.Presence{Room: r.id}, here, gone) {
		part.From, part.To = r.number, r.number+1
		r.number++
		r.send(nodes, part)
	}
	r.changed = time.Now()
}

// sendWhole sends nodes all who are there; under mu.
func (r *merged) sendWhole(nodes []string) {
	for _, part := range presenceParts(&messages.Presence{Room: r.id, To: r.number, Whole: true, Young: !r.settled}, r.set.All(), nil) {
		r.send(nodes, part)
	}
}

func (r *merged) send(nodes []string, p *messages.Presence) {
	for _, node := range nodes {
		if node != r.hub.node {
			r.hub.outbox(node).add(&messages.Pushed{Kind: r.name.Kind, Id: r.name.ID, Presence: []*messages.Presence{p}})
			continue
		}
		if t := r.hub.topics.find(r.name); t != nil {
			t.mirrored(p)
		}
	}
}

// expire drops the reports of nodes that have not renewed, and rooms that are not
// needed here any more.
func (rs *rooms) expire(h *Hub, now time.Time) {
	rs.mu.Lock()
	all := make([]*merged, 0, len(rs.m))
	for _, r := range rs.m {
		all = append(all, r)
	}
	rs.mu.Unlock()
	for _, r := range all {
		if !r.renewed(now) && h.owner(r.name) == h.node {
			continue
		}
		r.mu.Lock()
		r.ended = true
		r.mu.Unlock()
		rs.mu.Lock()
		delete(rs.m, r.name)
		rs.mu.Unlock()
	}
}

// renewed looks after a room, and reports whether it is over.
func (r *merged) renewed(now time.Time) (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for node, from := range r.reports {
		if now.After(from.until) {
			r.drop(node)
		}
	}
	if !r.settled && now.Sub(r.born) > youngFor {
		r.settled = true
		r.flush()
		r.sendWhole(append([]string{r.hub.node}, r.hub.audiences.nodes(r.name)...))
	}
	r.ended = r.settled && r.set.Len() == 0 && len(r.reports) == 0 && !r.flushing && now.Sub(r.changed) > audienceTTL
	return r.ended
}
