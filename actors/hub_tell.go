package actors

import (
	"time"

	"atelier/actors/room"
	"atelier/messages"
)

const (
	presenceRate = 256 << 10   // bytes a second of changes that one who watches is told
	longestPause = time.Second // between two of them, also where one is more than that
)

// mirrored takes a change of who is there.
func (t *topic) mirrored(p *messages.Presence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ok := t.room.mirror.Apply(room.Change{
		Room: p.GetRoom(), From: p.GetFrom(), To: p.GetTo(), Whole: p.GetWhole(), More: p.GetMore(), Young: p.GetYoung(), Here: membersOf(p), Gone: p.GetGone(),
	})
	switch {
	case !ok && !t.room.asking: // the whole is asked for, not at once every time
		t.room.asking = true
		time.AfterFunc(gather, func() {
			t.hub.goDo(func() {
				ctx, cancel := t.hub.within(askTimeout)
				defer cancel()
				t.hub.subscribe(ctx, []*topic{t})
			})
		})
	case ok && p.GetWhole() && !p.GetMore():
		t.room.synced = true
	}
	if !p.GetMore() {
		t.show()
	}
}

// subscribed takes what the owner says of who is there: whether it has all that was
// reported, and whether it sends what this node lacks. One that cannot be asked, or
// whose word was lost, is not waited for: what is known here is shown.
func (t *topic) subscribed(reported, coming bool) {
	if t.name.Kind != messages.TopicProject {
		return
	}
	if !reported {
		t.goReport()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !coming || t.room.awaited {
		t.room.synced = true
	}
	t.room.awaited = coming
	t.show()
}

// welcome lets one who has come to watch be told who is there; under mu.
func (t *topic) welcome(m *member) {
	if _, wants := m.w.(messages.PresenceWatcher); wants && t.name.Kind == messages.TopicProject {
		t.room.fresh = append(t.room.fresh, m)
		t.start()
	}
}

// show lets what has changed be told; under mu.
func (t *topic) show() {
	if len(t.room.fresh) > 0 || t.room.mirror.Changed() {
		t.start()
	}
}

// tellPresence tells who is there, where there is something to tell. It is called
// with mu held, and returns without if it did.
func (t *topic) tellPresence() (told bool) {
	r := &t.room
	if !r.synced || !r.mirror.Changed() && len(r.fresh) == 0 || t.pauses() {
		return false
	}
	fresh := r.fresh
	r.fresh = nil
	change := &messages.PresenceChange{Topic: t.name}
	change.Join, change.Update, change.Leave = r.mirror.Changes()
	var whole *messages.PresenceChange
	if len(fresh) > 0 {
		whole = &messages.PresenceChange{Topic: t.name, Whole: true, All: r.mirror.All()}
	}
	r.quiet = time.Now().Add(pauseAfter(change))
	everyone := t.everyone()
	t.mu.Unlock()
	if len(change.Join)+len(change.Update)+len(change.Leave) > 0 {
		known := make(map[*member]bool, len(fresh))
		for _, m := range fresh {
			known[m] = true
		}
		for _, m := range everyone {
			if w, wants := m.w.(messages.PresenceWatcher); wants && !known[m] && !m.gone.Load() {
				w.Present(change)
			}
		}
	}
	for _, m := range fresh {
		if !m.gone.Load() {
			m.w.(messages.PresenceWatcher).Present(whole)
		}
	}
	return true
}

// pauses reports whether it is too early to tell who is there; under mu.
func (t *topic) pauses() bool {
	left := time.Until(t.room.quiet)
	if left > 0 && !t.room.waiting {
		t.room.waiting = true
		time.AfterFunc(left, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.room.waiting = false
			t.show()
		})
	}
	return left > 0
}

// pauseAfter is for how long changes are gathered once one was told. Where many move
// at one time each of them is told to many: it is told less often then, so that what
// moves cost grows with the users, and not with their square.
func pauseAfter(c *messages.PresenceChange) time.Duration {
	size := 0
	for _, all := range [][]messages.Present{c.Join, c.Update} {
		for _, p := range all {
			size += len(p.State) + len(p.Name) + 64
		}
	}
	size += 40 * len(c.Leave)
	return min(time.Duration(size)*time.Second/presenceRate, longestPause)
}
