package http

import (
	"context"
	"errors"
	"sync"
	"time"

	"atelier/http/ysync"
	"atelier/messages"
)

// yjsMember is a document on a socket: the only one of y-websocket's, one of several
// of Hocuspocus's. The socket's reader calls handle; what takes long goes on beside
// it.
type yjsMember struct {
	document string
	wire     ysync.Wire
	socket   *socket
	right    *hold // on the document's project
	rooms    *yjsRooms
	room     *yjsRoom
	who      *party          // nil: nobody has said
	end      func(err error) // takes the document off the socket, or closes it

	// The reader's: how often the content is asked for, and states are told.
	asks, states bucket
	// Of who writes what waits: looks for what a reader sends in the document, questions
	// whether he may write now, and parts of what was refused that are tried alone.
	looks, doubts, faults bucket

	// Guarded by the room's lock.
	speaker ysync.Speaker
	synced  bool              // it was sent the content, and is sent what follows
	holding bool              // its content is being read for the first time
	held    []*messages.Batch // what was committed meanwhile
	missed  bool              // some of that is not held: the content is to be read again

	mu      sync.Mutex      // of what follows
	freed   sync.Cond       // there is room in the queue, or the member has left
	grant   *messages.Grant // what it may do
	found   *messages.Grant // by the last answer, which may yet be overtaken
	asked   []byte          // state vector of a step 1 that waits
	reading bool            // one is being answered
	queue   [][]byte        // updates that wait
	queued  int             // their bytes, and of those on their way
	writing bool            // some are on their way
	hasty   bool            // the last that left were several
	denied  bool            // it was told that it may only read
	left    bool
}

// handle takes a message of the client's. An error ends the member.
func (m *yjsMember) handle(msg ysync.Message) error {
	switch msg.Kind {
	case ysync.Sync, ysync.SyncReply:
		switch msg.Step {
		case ysync.Step1:
			if !m.asks.take(time.Now()) {
				return messages.Refuse(messages.CodeRateLimited, "the whole document is asked for too often")
			}
			m.ask(msg.Payload)
		case ysync.Update:
			if len(msg.Payload) > messages.MaxUpdate {
				return m.refuse(1, messages.Refuse(messages.CodePayloadTooLarge, "an update may have at most %d bytes", messages.MaxUpdate))
			}
			m.write(msg.Payload)
		case ysync.Step2:
			m.write(msg.Payload)
		}
	case ysync.Awareness, ysync.QueryAwareness:
		if !m.states.take(time.Now()) {
			return messages.Refuse(messages.CodeRateLimited, "who is there is told, or asked for, too often")
		}
		if msg.Kind == ysync.Awareness {
			return m.room.hear(m, msg.Payload)
		}
		m.room.introduce(m)
	default: // not for a server, or nothing that anything depends on
	}
	return nil
}

// send queues a message.
func (m *yjsMember) send(message []byte) { m.sendFrame(framed(opBinary, message)) }

// sendFrame queues a frame that others may have too. A client that does not keep up
// has to come again, and is told then what it lacks.
func (m *yjsMember) sendFrame(f []byte) {
	if !m.socket.send(frame{bytes: f, of: m.right}) {
		m.socket.cut(closeSlow, "the client does not keep up", nil)
	}
}

// add queues a frame that whoever does so flushes.
func (m *yjsMember) add(f []byte) {
	if !m.socket.add(frame{bytes: f, of: m.right}) {
		m.socket.cut(closeSlow, "the client does not keep up", nil)
	}
}

// committed brings the member what was written. The room's lock is held.
func (m *yjsMember) committed(b *messages.Batch) {
	switch {
	case m.synced:
		m.add(m.room.frame(m.wire, b))
	case m.holding && len(m.held) < maxHeld:
		m.held = append(m.held, b)
	case m.holding:
		m.held, m.missed = nil, true
	}
}

// check asks the project what the member may do: the truth of its right. Of answers
// that overtake each other the one of the later version of the project counts.
func (m *yjsMember) check(ctx context.Context) error {
	g, err := m.rooms.docs.GetGrant(ctx, &messages.GetGrant{Meta: m.who.signs(&messages.Meta{}), ProjectId: m.right.project, DocumentId: m.document})
	if err != nil {
		return unseen(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.GetNumber() >= m.found.GetNumber() {
		m.found = g
	}
	return nil
}

// adopt lets the last answer hold. It reports whether the member may write now and
// might not before, or the other way round.
func (m *yjsMember) adopt() (changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed = m.grant != nil && m.grant.GetWrite() != m.found.GetWrite()
	m.grant = m.found
	return changed
}

func (m *yjsMember) granted() *messages.Grant {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.grant
}

// writer is the grant by which the member writes at this moment. Nothing is written
// while its right is being asked for. When the client has gone, what it sent before
// counts if the right still does. Before a write is refused the project is asked once
// more: that he may do more by now he may not have been told yet.
func (m *yjsMember) writer(ctx context.Context, passed bool) (*messages.Grant, error) {
	if m.right.dead.Load() {
		return nil, errEnded // taken away from this document: the socket may have others, and goes on
	}
	if passed {
		if g := m.granted(); g.GetWrite() {
			return g, nil
		}
	} else {
		switch m.socket.ended() {
		case closeUnauthenticated, closeRevoked, closeNotFound:
			return nil, errEnded
		}
	}
	if passed && !m.doubts.take(time.Now()) {
		return m.granted(), nil
	}
	if err := m.check(ctx); err != nil {
		return nil, err
	}
	if m.adopt() {
		m.tellScope()
	}
	return m.granted(), nil
}

// tellScope tells the client what it may do now. When that is to write it is asked
// for what it has written before, without which nobody could show what it writes next.
func (m *yjsMember) tellScope() {
	if !m.wire.Plain() {
		m.send(m.wire.Granted(m.scope()))
	}
	if m.granted().GetWrite() {
		m.room.askFor(m)
	}
}

// scope is what a Hocuspocus client is told of its grant.
func (m *yjsMember) scope() string {
	if m.granted().GetWrite() {
		return ysync.ReadWrite
	}
	return ysync.ReadOnly
}

// leave takes the member out of its room. It returns when what the client has sent
// is written, or cannot be: a page that is closed does not send it again.
func (m *yjsMember) leave() {
	m.mu.Lock()
	left := m.left
	m.left = true
	m.freed.Broadcast()
	m.mu.Unlock()
	if left {
		return
	}
	m.rooms.leave(m)
	m.mu.Lock()
	for m.writing {
		m.freed.Wait()
	}
	m.mu.Unlock()
	m.right.leave()
}

// Rates of messages that cost more than they are long, a second and at once. Providers
// repeat to the server the states that they hear from it.
const (
	askRate    = 2
	askBurst   = 20
	faultBurst = 40
	stateRate  = 500
	stateBurst = 2000
)

// Times of what goes on beside the reader.
const (
	attemptTime = 10 * time.Second
	persistTime = 30 * time.Second // with repeated attempts
	firstPause  = 50 * time.Millisecond
	longPause   = time.Second
)

// again repeats what fails for a while and may succeed then.
func again(ctx context.Context, do func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		attempt, cancel := context.WithTimeout(ctx, attemptTime)
		err := do(attempt)
		cancel()
		if err == nil || errors.Is(err, errEnded) || refusing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// kept lets an answer hold that is another than before. y-websocket has no message
// for that, and comes again.
func (m *yjsMember) kept() {
	switch {
	case !m.adopt():
	case m.wire.Plain():
		m.end(errRoleChanged)
	default:
		m.tellScope()
	}
}

var errRoleChanged = errors.New("http: what a member may do has changed")
