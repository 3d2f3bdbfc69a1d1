package http

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"atelier/messages"
)

const (
	replayChunk  = 256 // events
	replayBytes  = 128 << 10
	attachWithin = 256 // events that wait for a replay to come so near to the head
	replayAgain  = 500 * time.Millisecond
	replayTries  = 20
	replaysRead  = 16 // chunks at one time, of all sockets
)

// wire is how subscriptions are told in a protocol. What it makes is ready to be
// written.
type wire interface {
	encoding() string
	events(project string, all []*messages.EventRecord) []byte
	caughtUp(project string, seq int64) []byte // nil: it is not told
	signal(text []byte) []byte
	presence(c *messages.PresenceChange) []byte
	role(project, role string) []byte
	revoked(project, code string) []byte
	lagged(project string, from int64) []byte
}

// subscription is a socket's view of a project: its events without a gap from a
// position on, who is there, and what others say. The right that it hangs on is asked
// of the project.
type subscription struct {
	server  *Server
	socket  *socket
	wire    wire
	project string
	right   *hold
	who     func() *messages.Meta
	ended   func()             // it is no more, by itself; called once, and not while a lock is held
	outside func()             // who watches is nobody in the project any more; nil: nobody wants to know
	self    uuid.UUID          // the socket's, in the signals that it sends
	refused func(error) []byte // the other answer; nil: nobody waits for one

	mu      sync.Mutex
	phase   phase
	role    string
	told    string // the role that was told last
	last    int64  // the event that was queued last
	head    int64  // the last one that is known of
	pending []*messages.EventRecord
	early   [][]byte // who is there, before the answer
	broken  bool     // what follows cannot be told: there will be no answer
	stop    func()   // watching; nil: it has not begun
}

type phase byte

const (
	opening phase = iota
	replaying
	following
	finished
)

// ask asks the project what the caller is in it.
func (u *subscription) ask(ctx context.Context) error {
	p, err := u.server.deps.Projects.GetPermissions(ctx, &messages.GetPermissions{Meta: u.who(), ProjectId: u.project})
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.role = p.GetRole()
	return nil
}

// kept tells of another role. Who is nobody in the project any more is not seen in it.
func (u *subscription) kept() {
	u.mu.Lock()
	stranger := u.stranger()
	u.tellRole()
	u.mu.Unlock()
	if stranger && u.outside != nil {
		u.outside()
	}
}

// tellRole says what the role is, if it is another one than was said last. The lock is
// held.
func (u *subscription) tellRole() {
	if u.phase == opening || u.phase == finished || u.role == u.told {
		return
	}
	u.told = u.role
	u.put(u.wire.role(u.project, u.role), 0)
}

// stranger reports whether who watches is nobody in the project. The lock is held.
func (u *subscription) stranger() bool { return u.role == "public" || u.role == "" }

// lost ends a subscription whose right is over. One whose answer has not gone out is
// refused by it.
func (u *subscription) lost(err error) {
	u.mu.Lock()
	answered := u.phase != opening
	u.mu.Unlock()
	_, unanswered := u.socket.drop(u.right, err)
	if !u.finish() {
		return
	}
	if answered && !unanswered {
		u.socket.send(frame{bytes: u.wire.revoked(u.project, messages.CodeOf(err))})
	}
	u.ended()
}

// finish ends it. It reports false where it had ended.
func (u *subscription) finish() bool {
	u.mu.Lock()
	if u.phase == finished {
		u.mu.Unlock()
		return false
	}
	u.phase = finished
	stop := u.stop
	u.mu.Unlock()
	u.right.leave()
	u.socket.drop(u.right, errOver)
	if stop != nil {
		stop()
	}
	return true
}

// put queues something; a client that does not keep up has to begin anew. The lock is
// held.
func (u *subscription) put(bytes []byte, seq int64) bool {
	if bytes == nil {
		return true
	}
	if u.socket.add(frame{bytes: bytes, of: u.right, seq: seq}) {
		u.socket.flush()
		return true
	}
	u.lag()
	return false
}

// lag gives up what waits, and says where to begin anew; where the answer is among it
// that is refused instead. The lock is held.
func (u *subscription) lag() {
	u.phase = finished
	from := u.last
	first, unanswered := u.socket.drop(u.right, errSlow)
	if first > 0 {
		from = first - 1
	}
	u.right.leave()
	if !unanswered && !u.socket.send(frame{bytes: u.wire.lagged(u.project, from)}) {
		u.socket.cut(closeSlow, "too much waits to be read", nil)
	}
	go func() { // watching is not ended from within what watching calls
		if u.stop != nil {
			u.stop()
		}
		u.ended()
	}()
}

// Committed implements messages.Watcher.
func (u *subscription) Committed(b *messages.Batch) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.head = max(u.head, b.Events[len(b.Events)-1].GetSeq())
	switch u.phase {
	case opening, replaying:
		if u.pending = append(u.pending, b.Events...); len(u.pending) > attachWithin {
			u.pending = nil // the replay comes to it
		}
	case following:
		u.show(b)
	case finished:
	}
}

// show queues a batch in the frame that all who watch on the node share. The lock is
// held.
func (u *subscription) show(b *messages.Batch) {
	first := b.Events[0].GetSeq()
	if first != u.last+1 {
		u.showAll(b.Events)
		return
	}
	bytes := b.Frame(u.wire.encoding(), func() []byte { return u.wire.events(u.project, b.Events) })
	if u.put(bytes, first) {
		u.last = b.Events[len(b.Events)-1].GetSeq()
	}
}

// showAll queues what of some events has not been shown. The lock is held.
func (u *subscription) showAll(events []*messages.EventRecord) bool {
	for len(events) > 0 && events[0].GetSeq() <= u.last {
		events = events[1:]
	}
	if len(events) == 0 {
		return true
	}
	if !u.put(u.wire.events(u.project, events), events[0].GetSeq()) {
		return false
	}
	u.last = events[len(events)-1].GetSeq()
	return true
}

// Lost implements messages.Watcher.
func (u *subscription) Lost() {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch u.phase {
	case opening:
		u.broken = true
	case replaying, following:
		u.lag()
	case finished:
	}
}

// Signals implements messages.Watcher. All of them go out in one write.
func (u *subscription) Signals(all []*messages.Signal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.phase != replaying && u.phase != following {
		return
	}
	for _, s := range all {
		if len(s.Payload) < signalID || uuid.UUID(s.Payload[:signalID]) == u.self {
			continue
		}
		bytes := s.Frame(u.wire.encoding(), func() []byte { return u.wire.signal(s.Payload[signalID:]) })
		u.socket.add(frame{bytes: bytes, of: u.right}) // at most once: where there is no room, not at all
	}
	u.socket.flush()
}

// Present implements messages.PresenceWatcher.
func (u *subscription) Present(c *messages.PresenceChange) {
	bytes := c.Frame(u.wire.encoding(), func() []byte { return u.wire.presence(c) })
	u.mu.Lock()
	defer u.mu.Unlock()
	switch u.phase {
	case opening:
		u.early = append(u.early, bytes)
	case replaying, following:
		u.put(bytes, 0)
	case finished:
	}
}

// errSlow is why what a client asked for is not told.
var errSlow = messages.Refuse(messages.CodeOverloaded, "too much waits to be read: come again")

// position is the last event that is known of.
func (u *subscription) position() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.head
}
