package actors

import (
	"context"
	"maps"
	"slices"
	"time"

	"atelier/messages"
)

// maxAudience bounds what nodes may watch here, of all of them together.
const maxAudience = 1 << 20

// audiences are the other nodes that watch what belongs here, by topic.
type audiences struct{ byTopic[audience] }

// audience is who is told, and until when. The list is not changed once it is there,
// so that commits read it without copying.
type audience struct {
	nodes []string
	until map[string]time.Time // by node; under the shard's mu
}

// nodes are those who watch a topic. Nobody changes what it returns.
func (as *audiences) nodes(name messages.Topic) []string { return as.find(name).nodes }

// add lets a node be told of a topic until then. Not ok: there are too many.
func (as *audiences) add(name messages.Topic, node string, until time.Time) (ok bool) {
	s := as.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	a, known := s.m[name]
	if !known {
		if len(s.m) >= maxAudience/topicShards {
			return false
		}
		a.until = make(map[string]time.Time)
	}
	if _, told := a.until[node]; !told {
		a.nodes = append(a.nodes[:len(a.nodes):len(a.nodes)], node)
	}
	a.until[node] = until
	s.m[name] = a
	return true
}

// expire forgets the nodes that have not renewed.
func (as *audiences) expire(now time.Time) {
	for i := range as.shards {
		s := &as.shards[i]
		s.mu.Lock()
		for name, a := range s.m {
			if s.m[name] = a.without(now); len(s.m[name].nodes) == 0 {
				delete(s.m, name)
			}
		}
		s.mu.Unlock()
	}
}

// without is the audience without whose time is over.
func (a audience) without(now time.Time) audience {
	over := func(node string) bool { return !a.until[node].After(now) }
	if !slices.ContainsFunc(a.nodes, over) {
		return a
	}
	nodes := slices.DeleteFunc(slices.Clone(a.nodes), over)
	maps.DeleteFunc(a.until, func(node string, _ time.Time) bool { return over(node) })
	return audience{nodes, a.until}
}

// Watched takes what another node watches here. A node that asks about what is
// another's, by the view of this one, is told so and told of what happens here all
// the same: views differ for a moment.
func (h *Hub) Watched(_ context.Context, w *messages.Watch) (*messages.Watched, error) {
	answer, now := &messages.Watched{}, time.Now()
	for i, t := range w.GetTopics() {
		name := messages.Topic{Kind: t.GetKind(), ID: t.GetId()}
		if !h.audiences.add(name, w.GetNode(), now.Add(audienceTTL)) {
			return nil, errOverloaded
		}
		if h.owner(name) != h.node {
			answer.Elsewhere = append(answer.Elsewhere, int32(i))
			continue
		}
		reported, coming := h.attend(name, w.GetNode(), t)
		if !reported {
			answer.Unreported = append(answer.Unreported, int32(i))
		}
		if coming {
			answer.Coming = append(answer.Coming, int32(i))
		}
	}
	return answer, nil
}

// Pushed takes what happened elsewhere, or what is for others that watch what
// belongs here. It does not block.
func (h *Hub) Pushed(_ context.Context, p *messages.Push) error {
	for _, one := range p.GetPushed() {
		if one.GetUp() {
			h.relay(p.GetNode(), one)
			continue
		}
		name := messages.Topic{Kind: one.GetKind(), ID: one.GetId()}
		t := h.topics.find(name)
		if t == nil {
			continue
		}
		if len(one.GetEvents()) > 0 {
			t.take(parcel{events: one.GetEvents()})
		}
		for _, s := range one.GetSaid() {
			t.take(parcel{said: s})
		}
		for _, change := range one.GetPresence() {
			t.mirrored(change)
		}
		t.reached(one.GetHead())
	}
	return nil
}

// relay passes on to all others who watch what a node has to tell them.
func (h *Hub) relay(from string, p *messages.Pushed) {
	name := messages.Topic{Kind: p.GetKind(), ID: p.GetId()}
	for _, report := range p.GetPresence() {
		h.report(name, from, report)
	}
	if len(p.GetSaid()) == 0 {
		return
	}
	if t := h.topics.find(name); t != nil && from != h.node {
		for _, s := range p.GetSaid() {
			t.take(parcel{said: s})
		}
	}
	said := &messages.Pushed{Kind: p.GetKind(), Id: p.GetId(), Said: p.GetSaid()}
	for _, node := range h.audiences.nodes(name) {
		if node != from {
			h.outbox(node).add(said)
		}
	}
}
