package actors

import (
	"context"
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
		if all := t.together(); all[0].said != nil {
			t.speak(all)
		} else {
			t.tell(eventsOf(all))
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

// Of what is told together no more is taken once there is so much.
const (
	toldEvents = 256
	toldBytes  = 128 << 10
)

// together takes what has waited longest off the inbox, and what is of the same sort
// right behind it: the more came while those before were passed on, the less each costs.
func (t *topic) together() (all []parcel) {
	for size, events := 0, 0; len(t.inbox) > 0 && size < toldBytes && events < toldEvents; {
		p := t.inbox[0]
		if len(all) > 0 && !p.follows(all[len(all)-1]) {
			break
		}
		bytes := p.size()
		all, size, events = append(all, p), size+bytes, events+len(p.events)
		t.inbox[0] = parcel{}
		t.inbox, t.size = t.inbox[1:], t.size-bytes
	}
	return all
}

// follows reports whether a parcel can be told together with the one before it.
func (p parcel) follows(before parcel) bool {
	if p.said != nil || before.said != nil {
		return p.said != nil && before.said != nil
	}
	return p.events[0].GetSeq() == before.events[len(before.events)-1].GetSeq()+1
}

func eventsOf(all []parcel) (events []*messages.EventRecord) {
	if len(all) == 1 {
		return all[0].events
	}
	for _, p := range all { // others have each one's, too
		events = append(events, p.events...)
	}
	return events
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

// speak passes on signals, but for those of which a later one of their node was told:
// they may come on two ways while the owner changes. Called with mu held.
func (t *topic) speak(all []parcel) {
	signals := make([]*messages.Signal, 0, len(all))
	for _, p := range all {
		if s := p.said; s.GetNumber() > t.heard[s.GetNode()] {
			t.heard[s.GetNode()] = s.GetNumber()
			signals = append(signals, &messages.Signal{Payload: s.GetPayload()})
		}
	}
	everyone := t.everyone()
	t.mu.Unlock()
	for _, m := range everyone {
		if len(signals) > 0 && !m.gone.Load() {
			m.w.Signals(signals)
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
