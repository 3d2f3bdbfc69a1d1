package actors

import (
	"context"
	"slices"
	"time"

	"atelier/messages"
)

// step passes on what has waited longest. It returns false, and pass ends, when
// nothing does.
func (t *topic) step() (more bool) {
	t.mu.Lock()
	switch {
	case t.lost:
		t.end()
		return false
	case len(t.inbox) > 0:
		p := t.next()
		if p.said != nil {
			t.speak(p.said)
		} else {
			t.tell(p.events)
		}
		return true
	case t.tellPresence():
		return true
	case t.head > t.last && fillsGaps:
		after, target := t.last, t.head
		t.mu.Unlock()
		return t.fill(after, target)
	}
	t.inbox, t.working = nil, false
	t.mu.Unlock()
	return false
}

// Bounds of what is told together.
const (
	toldEvents = 256
	toldBytes  = 128 << 10
)

// next takes what has waited longest off the inbox. Events that came while those before
// them were passed on go together, so that the more there are the less each costs.
func (t *topic) next() parcel {
	p, size := t.pop()
	for p.said == nil && len(t.inbox) > 0 {
		more := t.inbox[0]
		if size += more.size(); more.said != nil || size > toldBytes || len(p.events)+len(more.events) > toldEvents {
			break
		}
		if last := p.events[len(p.events)-1].GetSeq(); more.events[0].GetSeq() != last+1 {
			break
		}
		_, _ = t.pop()
		p.events = append(slices.Clip(p.events), more.events...) // others have the first ones, too
	}
	return p
}

func (t *topic) pop() (p parcel, size int) {
	p = t.inbox[0]
	size = p.size()
	t.inbox[0] = parcel{}
	t.inbox, t.size = t.inbox[1:], t.size-size
	return p, size
}

// tell passes on what follows the last position. What was told before is left
// out; where something is missing before it, all of it is read from the log. It is
// called with mu held, and returns without.
func (t *topic) tell(events []*messages.EventRecord) {
	for len(events) > 0 && events[0].GetSeq() <= t.last {
		events = events[1:]
	}
	if len(events) == 0 {
		t.mu.Unlock()
		return
	}
	end := events[len(events)-1].GetSeq()
	t.head = max(t.head, end)
	if fillsGaps && (events[0].GetSeq() != t.last+1 || end-t.last != int64(len(events))) {
		t.mu.Unlock()
		return
	}
	t.last = end
	everyone := t.everyone()
	t.mu.Unlock()
	t.hub.counts.told.Add(int64(len(events)))
	b := &messages.Batch{Topic: t.name, Events: events}
	for _, m := range everyone {
		if !m.gone.Load() {
			m.w.Committed(b)
		}
	}
}

// speak passes on a signal, and those that wait right behind it: the more there are,
// the less each costs. One of which a later one of its node was told is left out: they
// may come on two ways while the owner changes. Called with mu held.
func (t *topic) speak(s *messages.Said) {
	var all []*messages.Signal
	for size := 0; ; {
		if s.GetNumber() > t.heard[s.GetNode()] {
			t.heard[s.GetNode()] = s.GetNumber()
			all = append(all, &messages.Signal{Payload: s.GetPayload()})
		}
		if len(t.inbox) == 0 || t.inbox[0].said == nil {
			break
		}
		if size += t.inbox[0].size(); size > toldBytes {
			break
		}
		more, _ := t.pop()
		s = more.said
	}
	everyone := t.everyone()
	t.mu.Unlock()
	for _, m := range everyone {
		if len(all) > 0 && !m.gone.Load() {
			m.w.Signals(all)
		}
	}
}

// end tells all who watch that what follows cannot be given. Called with mu held.
func (t *topic) end() {
	t.closed = true
	everyone := t.everyone()
	t.inbox, t.members, t.list = nil, nil, nil
	t.mu.Unlock()
	t.hub.topics.remove(t)
	for _, m := range everyone {
		if !m.gone.Swap(true) {
			t.hub.counts.watchers.Add(-1)
			t.hub.counts.lost.Add(1)
			m.w.Lost()
		}
	}
}

// lose lets the topic end. What comes next is a topic of its own.
func (t *topic) lose(why string) {
	t.hub.logger.Debug("a topic cannot be followed without a gap", "kind", t.name.Kind, "id", t.name.ID, "reason", why)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = true
	t.start()
}

// fill passes on the next chunk of what is missing, read from the log. After a
// failure it waits a moment: whoever wants to know has to wait for the database.
func (t *topic) fill(after, target int64) (more bool) {
	events, found, err := t.hub.missing(t.name, after)
	switch {
	case err != nil:
		t.hub.counts.unfilled.Add(1)
		t.hub.logger.Debug("what was committed cannot be read", "kind", t.name.Kind, "id", t.name.ID, "error", err)
		select {
		case <-time.After(fillAgain):
		case <-t.hub.done:
			return false
		}
	case found == gapFilled:
		t.hub.counts.filled.Add(int64(len(events)))
		t.mu.Lock()
		t.tell(events)
	case found == gapGone:
		t.lose("what is missing is not in the log any more")
	default: // what was said to be committed is not in the log
		t.mu.Lock()
		if t.head == target {
			t.head = t.last
		}
		t.mu.Unlock()
	}
	return true
}

// What a look for what is missing ends with.
const (
	gapNone   = iota // nothing is missing
	gapFilled        // here it is
	gapGone          // it was in the log once
)

// missing reads what follows a position, not for too many topics at one time.
func (h *Hub) missing(name messages.Topic, after int64) (events []*messages.EventRecord, found int, err error) {
	select {
	case h.fills <- struct{}{}:
	case <-h.done:
		return nil, gapNone, context.Canceled
	}
	defer func() { <-h.fills }()
	ctx, cancel := h.within(fillTimeout)
	defer cancel()
	follows := func() bool { return len(events) > 0 && events[0].GetSeq() == after+1 }
	if events, err = h.read(ctx, name, after); err != nil || follows() {
		return events, gapFilled, err
	}
	heads, err := h.log.Heads(ctx, name.Kind, []string{name.ID})
	if err != nil {
		return nil, gapNone, err
	}
	head, exists := heads[name.ID]
	if !exists || head < after {
		return nil, gapGone, nil
	}
	if head == after {
		return nil, gapNone, nil
	}
	events, err = h.read(ctx, name, after) // it may have come since
	if err == nil && !follows() {
		return nil, gapGone, nil
	}
	return events, gapFilled, err
}

// read is a chunk of what was committed to a topic behind a position.
func (h *Hub) read(ctx context.Context, name messages.Topic, after int64) ([]*messages.EventRecord, error) {
	if name.Kind == messages.TopicDocument {
		return h.log.ListUpdates(ctx, name.ID, after, updateChunk)
	}
	page, err := h.log.ListEvents(ctx, &messages.EventQuery{Stream: messages.ProjectStream(name.ID), AfterSeq: after, Limit: eventChunk})
	return page.GetItems(), err
}
