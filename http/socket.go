package http

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// socketLimits bound a socket.
type socketLimits struct {
	message int // bytes of a message from the client
	frames  int // that wait to be written
	bytes   int // of them together; one frame alone may have more
}

// What the sockets of events may have. Those of documents take larger messages.
const (
	queueFrames = 1024
	queueBytes  = 1 << 20
)

// Times of a socket.
const (
	writerIdle  = time.Second            // the writer ends when nothing has come for so long
	writeStall  = 10 * time.Second       // a client that takes nothing for so long is given up
	fenceTime   = 50 * time.Millisecond  // what is being written when a right is stopped has so long to end
	closeTime   = 3 * time.Second        // for the client to answer a close
	deadAfter   = 60 * time.Second       // without a word, answers to pings included
	untrusted   = 100 * time.Millisecond // until the lease is looked at again
	writeChunk  = 64 << 10               // bytes of one write
	keptFrames  = 32                     // room of a queue that is kept when it is empty
	controlRate = 10                     // control frames a second
)

// frame is what a socket has yet to write. Its bytes, head included, may be shared
// with any number of sockets.
type frame struct {
	bytes []byte
	of    *hold // the right by which it is shown; nil: none is needed
	seq   int64 // of the event in it; 0: none

	// instead is what is said where the right is over before the frame has gone out:
	// the other answer to a message, which has exactly one. nil: nothing.
	instead func(error) []byte
	// now makes the bytes when they are written, of what may be told then. The gate is
	// open, so that no right is being asked for. It does not block. nil: they are as they
	// are.
	now func() []byte
}

// own reports whether a frame needs no right.
func (f *frame) own() bool { return f.of == nil && f.now == nil }

// socket is a WebSocket connection: a queue of frames and a writer that is there
// while there is something to write. One goroutine, its reader, calls receive. All
// other methods may be called by anyone and do not block, but for pass and settled.
//
// Nothing goes in or out while the gate is shut: while one of the rights that hang on
// the socket is asked for anew, and while the node's lease has lapsed.
type socket struct {
	conn    net.Conn
	direct  *direct      // to it; guarded by mu
	reader  *frameReader // of the one goroutine that reads
	limits  socketLimits
	manner  *manner
	lease   func() (era int64, ok bool)
	slot    int        // of the heartbeat
	owner   owner      // guarded by the sockets' lock
	replays sync.Mutex // of the subscription that reads the log
	holds   []*hold    // guarded by the table's lock

	mu      sync.Mutex
	change  sync.Cond     // the gate, busy or the end
	queue   []frame       // in order
	queued  int           // bytes
	urgent  []byte        // pings and pongs
	kick    chan struct{} // of the writer; nil: there is none
	busy    bool          // it is in a write, or what was begun is its to write
	begun   []byte        // what is left of a write that was begun for it
	begunIn *[]byte       // the buffer of that; nil: it has none
	writes  int           // that were begun
	stopped int           // rights that are being asked for
	era     int64         // of the lease, in which the session was found good
	last    []byte        // the close frame: nothing is queued behind it
	speaker speaker       // nil: it says nothing by itself
	code    int           // why the socket ends; 0: it does not
	said    bool          // the close frame was written
	done    bool          // the connection is closed
	mute    bool          // nothing may go before the first frame that is queued
}

// speaker is what a kind of sockets says beside answers. It does not block.
type speaker interface {
	beat()                    // a heartbeat, beside the ping
	move(after time.Duration) // the node goes, and closes the socket after a while
}

// manner is how a kind of sockets is kept alive and ended.
type manner struct {
	alive    []byte
	goodbye  func(code int, why string) []byte
	answered bool // the goodbye is, by the client
}

var webSocket = &manner{alive: framed(opPing, nil), goodbye: closeFrame, answered: true}

func newSocket(conn net.Conn, early []byte, limits socketLimits, lease func() (int64, bool)) *socket {
	s := &socket{conn: conn, direct: directly(conn), limits: limits, manner: webSocket, lease: lease}
	s.change.L = &s.mu
	s.reader = newFrameReader(conn, early, limits.message)
	return s
}

// send queues a frame. It reports false where there is no room: the caller decides
// what becomes of a client that does not keep up. What comes after the end is dropped.
func (s *socket) send(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enqueue(f) {
		return false
	}
	if len(s.queue) > 0 {
		s.wake()
	}
	return true
}

func (s *socket) enqueue(f frame) bool {
	if s.last != nil || s.done {
		return true
	}
	if f.of != nil && f.of.dead.Load() {
		if f.instead == nil {
			return true
		}
		f = frame{bytes: f.instead(errOver)}
	}
	if len(s.queue) >= s.limits.frames || len(s.queue) > 0 && s.queued+len(f.bytes) > s.limits.bytes {
		return false
	}
	s.queue = append(s.queue, f)
	s.queued += len(f.bytes)
	return true
}

// room waits until half of the queue is free. It reports false where the socket ends.
func (s *socket) room() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.last == nil && !s.done {
		if len(s.queue) <= s.limits.frames/2 && s.queued <= s.limits.bytes/2 {
			return true
		}
		s.change.Wait()
	}
	return false
}

// drop takes back what waits by a right, and says why in the place of an answer that is
// among it. It returns the first event of it, 0: there was none, and whether an answer
// was.
func (s *socket) drop(of *hold, why error) (first int64, unanswered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.queue[:0]
	for _, f := range s.queue {
		if f.of != of {
			kept = append(kept, f)
			continue
		}
		s.queued -= len(f.bytes)
		if f.instead != nil {
			f = frame{bytes: f.instead(why)}
			s.queued += len(f.bytes)
			kept, unanswered = append(kept, f), true
		}
		if first == 0 {
			first = f.seq
		}
	}
	clear(s.queue[len(kept):])
	s.queue = kept
	return first, unanswered
}

// close says goodbye behind what waits. Only the first close counts.
func (s *socket) close(code int, why string) { s.finish(code, s.manner.goodbye(code, why), false) }

// cut says goodbye at once: what waits is dropped, and nothing more is read. A notice
// may go before the goodbye.
func (s *socket) cut(code int, why string, notice []byte) {
	s.finish(code, append(bytes.Clone(notice), s.manner.goodbye(code, why)...), true)
}

// answer answers a client's goodbye with its own code.
func (s *socket) answer(code int) {
	if code == closeNone {
		code = closeNormal
	}
	s.finish(closeNormal, closeFrame(code, ""), true)
}

func (s *socket) finish(code int, goodbye []byte, drop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil || s.done {
		return
	}
	s.code, s.last = code, append([]byte{}, goodbye...) // not nil, whatever there is to say
	if drop {
		s.queue, s.queued = nil, 0
		_ = s.conn.SetReadDeadline(time.Now()) // its reader leaves
	} else if !s.open() {
		s.ownAlone()
	}
	if s.mute && len(s.queue) == 0 {
		s.last = []byte{}
	}
	s.change.Broadcast()
	s.wake()
}

// ownAlone takes back all that waits by a right. The lock is held.
func (s *socket) ownAlone() {
	own := s.queue[:0]
	for _, f := range s.queue {
		if f.own() {
			own = append(own, f)
			continue
		}
		s.queued -= len(f.bytes)
	}
	clear(s.queue[len(own):])
	s.queue = own
}

// abort closes the connection.
func (s *socket) abort(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut(code)
}

func (s *socket) shut(code int) {
	if s.done {
		return
	}
	s.done, s.queue, s.queued = true, nil, 0
	if s.code == 0 {
		s.code = code
	}
	s.change.Broadcast()
	s.wakeWriter()
	_ = s.conn.Close()
}

// ended is why the socket ends; 0: it does not.
func (s *socket) ended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// speaks has heartbeats and the end of the node told by somebody.
func (s *socket) speaks(by speaker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speaker = by
}

func (s *socket) spokenFor() speaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.speaker
}

// ping asks the client for a sign of life.
func (s *socket) ping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil || s.done || s.mute || len(s.urgent) > 0 {
		return
	}
	s.urgent = s.manner.alive
	s.wake()
}

// pong answers a client's ping. Of several that wait the last one is answered.
func (s *socket) pong(payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = framed(opPong, payload)
	s.wake()
}
