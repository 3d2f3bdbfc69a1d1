package actors

import (
	"context"
	"slices"
	"sync"
	"time"

	"atelier/messages"
)

const (
	watchAtOnce = 256                    // topics in one question to another hub
	headsAtOnce = 500                    // in one to the log
	viewsDiffer = 200 * time.Millisecond // between subscriptions while a node says that it is not the owner
)

// Run renews what this node watches, looks what the log has of it, and ends what
// nobody needs any more, in rounds, until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.done:
			return
		case <-tick.C:
		case <-h.kick:
		}
		h.round(ctx)
	}
}

// Moved is to be called when topics may have other owners than before: they are
// subscribed to there at once.
func (h *Hub) Moved() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// round renews at each owner by itself, so that one which hangs holds up nobody
// else's.
func (h *Hub) round(ctx context.Context) {
	h.audiences.expire(time.Now())
	h.rooms.expire(h, time.Now())
	by := make(map[string][]*topic)
	for _, t := range h.topics.all() {
		if t.done(time.Now()) {
			h.topics.remove(t)
			continue
		}
		select {
		case <-t.opened:
			owner := h.owner(t.name)
			by[owner] = append(by[owner], t)
		default:
		}
	}
	var owners sync.WaitGroup
	for _, watched := range by {
		owners.Go(func() {
			h.subscribe(ctx, watched)
			h.look(ctx, watched)
		})
	}
	owners.Wait()
}

// done reports whether nobody has watched for long, and lets nobody join then.
func (t *topic) done(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.members) == 0 && t.room.share.Len() == 0 && !t.working && now.Sub(t.idle) > lingerFor {
		t.closed = true
	}
	return t.closed
}

// subscribe tells the owner of topics, which they have in common, that this node
// watches them. What fails is done again in the next round; meanwhile the log is
// asked.
func (h *Hub) subscribe(ctx context.Context, watched []*topic) {
	switch owner := h.owner(watched[0].name); owner {
	case "":
	case h.node:
		for _, t := range watched {
			t.subscribed(h.attend(t.name, h.node, t.watching()))
		}
	default:
		for len(watched) > 0 {
			part := watched[:min(len(watched), watchAtOnce)]
			answer, err := h.ask(ctx, owner, part)
			if err != nil { // the rest is left too: a node that hangs would hold up the round with each part
				part = watched
				h.counts.refused.Add(int64(len(part)))
				h.logger.Debug("a node does not take subscriptions", "peer", owner, "error", err)
			}
			for i, t := range part {
				index := int32(i)
				t.subscribed(!slices.Contains(answer.GetUnreported(), index), slices.Contains(answer.GetComing(), index))
			}
			watched = watched[len(part):]
		}
	}
}

// ask tells another node what is watched there.
func (h *Hub) ask(ctx context.Context, owner string, part []*topic) (*messages.Watched, error) {
	w := &messages.Watch{Node: h.node}
	for _, t := range part {
		w.Topics = append(w.Topics, t.watching())
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := h.others.Watch(ctx, owner, w)
	if len(answer.GetElsewhere()) > 0 {
		time.AfterFunc(viewsDiffer, h.Moved)
	}
	return answer, err
}

// look asks the log how far topics have come: something that was sent may have been
// lost, and nothing else come since.
func (h *Hub) look(ctx context.Context, watched []*topic) {
	kinds := make(map[string][]*topic)
	for _, t := range watched {
		kinds[t.name.Kind] = append(kinds[t.name.Kind], t)
	}
	for kind, of := range kinds {
		for part := range slices.Chunk(of, headsAtOnce) {
			if err := h.lookAt(ctx, kind, part); err != nil {
				h.logger.Debug("the log cannot be asked how far it has come", "error", err)
				return
			}
		}
	}
}

func (h *Hub) lookAt(ctx context.Context, kind string, part []*topic) error {
	ids, told := make([]string, len(part)), make([]int64, len(part))
	for i, t := range part {
		ids[i], told[i] = t.name.ID, t.position()
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	heads, err := h.log.Heads(ctx, kind, ids)
	if err != nil {
		return err
	}
	for i, t := range part {
		switch head, exists := heads[ids[i]]; {
		case !exists:
			t.lose("it does not exist any more")
		case head < told[i]: // what was told before the question
			t.lose("the log ends before what was told of it")
		default:
			t.reached(head)
		}
	}
	return nil
}

func (t *topic) position() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
