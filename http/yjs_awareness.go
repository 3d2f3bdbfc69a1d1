package http

import (
	"time"

	"atelier/http/ysync"
	"atelier/messages"
)

// Who is there is told that often: of what is said faster the last. Where that is much,
// since many move, each socket is told less often.
const (
	awarenessEvery   = time.Second / 15
	awarenessLatest  = time.Second
	awarenessASecond = 256 << 10 // bytes to each socket
)

// pauseAfter is how long to wait after so many bytes were told.
func pauseAfter(told int) time.Duration {
	return min(max(awarenessEvery, time.Duration(told)*time.Second/awarenessASecond), awarenessLatest)
}

// Signals between the rooms of a document: their kind, the node, and states.
const (
	signalStates = 1 // these are who is on that node
	signalWho    = 2 // a node asks who is on the others

	signalHead = 1 + len(ysync.Node{})
	signalSize = 48 << 10 // of states in one signal
)

// say signals to the other nodes.
func (r *yjsRoom) say(kind byte, states []ysync.State) {
	parts := ysync.Split(states, signalSize)
	if kind == signalWho {
		parts = [][]ysync.State{nil}
	}
	for _, part := range parts {
		b := append(append(make([]byte, 0, signalHead), kind), r.rooms.node[:]...)
		r.rooms.live.Signal(r.topic(), append(b, ysync.EncodeStates(part)...))
	}
}

// Signals implements messages.Watcher.
func (r *yjsRoom) Signals(all []*messages.Signal) {
	for _, s := range all {
		r.heard(s.Payload)
	}
}

// heard takes what the room of another node says.
func (r *yjsRoom) heard(b []byte) {
	if len(b) < signalHead {
		return
	}
	from := ysync.Node(b[1:signalHead])
	if from == r.rooms.node {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch b[0] {
	case signalStates:
		_ = r.present.HearNode(from, b[signalHead:], time.Now()) // nodes say nothing that is refused
		r.tell()
	case signalWho:
		if here := r.present.Here(); len(here) > 0 {
			go r.say(signalStates, here)
		}
	}
}

// hear takes what a member says of who is there.
func (r *yjsRoom) hear(m *yjsMember, states []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.present.Hear(&m.speaker, states, time.Now())
	r.tell()
	return err
}

// tell has everyone told what has changed in who is there: at once, or together with
// what changes in the next moment. The lock is held.
func (r *yjsRoom) tell() {
	if r.telling {
		return
	}
	wait := pauseAfter(r.lately) - time.Since(r.told)
	r.telling = true
	time.AfterFunc(max(0, wait), r.tellNow)
}

// tellNow tells what has changed, to those too who have changed it: a client that is
// alone hears itself and so knows that the server is there.
func (r *yjsRoom) tellNow() {
	r.mu.Lock()
	r.telling, r.told = false, time.Now()
	all, here := r.present.Changed()
	var told []*socket
	if len(all) > 0 {
		states := ysync.EncodeStates(all)
		r.lately = len(states)
		told = r.everyone(func(w ysync.Wire) []byte { return w.Awareness(states) })
	}
	r.mu.Unlock()
	flush(told)
	if len(here) > 0 {
		r.say(signalStates, here)
	}
}

// everyone queues a message for all who were told the content, encoded once for each
// wire. Whoever calls it flushes their sockets. The lock is held.
func (r *yjsRoom) everyone(encode func(ysync.Wire) []byte) (told []*socket) {
	frames := make(map[string][]byte, 2)
	for m := range r.members {
		if !m.synced {
			continue
		}
		f := frames[m.wire.Name()]
		if f == nil {
			f = framed(opBinary, encode(m.wire))
			frames[m.wire.Name()] = f
		}
		m.add(f)
		told = append(told, m.socket)
	}
	return told
}

// introduce tells a member everyone who is there.
func (r *yjsRoom) introduce(m *yjsMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.introduceLocked(m)
}

func (r *yjsRoom) introduceLocked(m *yjsMember) {
	if all := r.present.All(time.Now()); len(all) > 0 {
		m.send(m.wire.Awareness(ysync.EncodeStates(all)))
	}
}
