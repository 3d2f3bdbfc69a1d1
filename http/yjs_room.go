package http

import (
	"context"
	"sync"
	"time"

	"atelier/http/ysync"
	"atelier/messages"
)

// maxHeld is how many batches are held for a member whose content is being read.
const maxHeld = 1024

// yjsRoom is a document that somebody has open on this node: the one watch of what is
// committed to it, and who is there. Whoever has its lock is quick: frames are queued
// under it and written when it is let go.
type yjsRoom struct {
	rooms    *yjsRooms
	document string
	users    int           // guarded by the rooms' lock
	opened   chan struct{} // closed when the watch has begun, or failed
	failed   error         // why; set before opened is closed

	mu       sync.Mutex // of what follows
	stop     func()     // of the watch; nil: there is none
	losses   int        // of watches, one of which may be lost before its stop is noted
	closed   bool
	members  map[*yjsMember]struct{}
	position int64  // of the last update that members were told
	base     vector // that all have who were told the content; empty: perhaps none
	next     vector // that they will have when its position is reached
	present  *ysync.Present
	told     time.Time // when who is there was last told
	lately   int       // in how many bytes
	telling  bool      // it is about to be
	framed   struct {  // the last frame of a batch: most members have the same wire
		batch *messages.Batch
		wire  string
		bytes []byte
	}
}

// vector is a state vector of a document at a position.
type vector struct {
	position int64
	encoded  []byte
}

var emptyVector = []byte{0}

func newYjsRoom(r *yjsRooms, document string) *yjsRoom {
	return &yjsRoom{
		rooms: r, document: document, opened: make(chan struct{}), members: make(map[*yjsMember]struct{}), present: ysync.NewPresent(),
		base: vector{encoded: emptyVector},
	}
}

func (r *yjsRoom) topic() messages.Topic {
	return messages.Topic{Kind: messages.TopicDocument, ID: r.document}
}

// open begins to watch.
func (r *yjsRoom) open(ctx context.Context) {
	defer close(r.opened)
	r.failed = r.watch(ctx)
}

// watch watches the document, and asks the other nodes who is there.
func (r *yjsRoom) watch(ctx context.Context) error {
	r.mu.Lock()
	losses := r.losses
	r.mu.Unlock()
	at, stop, err := r.rooms.live.Watch(ctx, r.topic(), r)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.position = max(r.position, at)
	over := r.closed || r.losses != losses
	if !over {
		r.stop = stop
	}
	r.mu.Unlock()
	if over {
		stop()
		return nil
	}
	r.say(signalWho, nil)
	return nil
}

// close ends the watch.
func (r *yjsRoom) close() {
	r.mu.Lock()
	r.closed = true
	stop := r.stop
	r.stop = nil
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

func (r *yjsRoom) add(m *yjsMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[m] = struct{}{}
}

func (r *yjsRoom) remove(m *yjsMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m)
	m.held = nil
	r.present.Leave(&m.speaker, time.Now())
	r.tell()
}

// Committed implements messages.Watcher.
func (r *yjsRoom) Committed(b *messages.Batch) {
	r.mu.Lock()
	r.position = b.Events[len(b.Events)-1].Seq
	if r.next.encoded != nil && r.next.position <= r.position {
		r.base, r.next = r.next, vector{}
	}
	sockets := make([]*socket, 0, len(r.members))
	for m := range r.members {
		m.committed(b)
		sockets = append(sockets, m.socket)
	}
	r.mu.Unlock()
	flush(sockets)
}

// know notes a state vector that was read. The lock is held.
func (r *yjsRoom) know(v vector) {
	if v.position <= r.position {
		r.base, r.next = v, vector{}
	} else if r.next.encoded == nil {
		r.next = v
	}
}

// Lost implements messages.Watcher. The document is watched again, and members are
// told what they may have missed.
func (r *yjsRoom) Lost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losses++
	r.stop = nil
	if !r.closed {
		go r.recover(r.base.encoded)
	}
}

// recover tells members all that a state vector lacks. Where that does not succeed
// they have to come again.
func (r *yjsRoom) recover(base []byte) {
	ctx, cancel := within(persistTime)
	defer cancel()
	var update, has []byte
	var position int64
	err := again(ctx, r.watch)
	if err == nil {
		err = again(ctx, func(ctx context.Context) (err error) {
			update, has, position, err = r.rooms.docs.ReadMissing(ctx, r.document, base)
			return err
		})
	}
	if err != nil {
		r.dismiss(err)
		return
	}
	r.mu.Lock()
	for m := range r.members {
		m.missed = m.holding
	}
	told := r.everyone(func(w ysync.Wire) []byte { return w.Update(update) })
	r.know(vector{position, has})
	r.mu.Unlock()
	flush(told)
}

// dismiss ends all members.
func (r *yjsRoom) dismiss(err error) {
	r.mu.Lock()
	members := make([]*yjsMember, 0, len(r.members))
	for m := range r.members {
		members = append(members, m)
	}
	r.mu.Unlock()
	for _, m := range members {
		m.end(err)
	}
}
