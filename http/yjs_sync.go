package http

import (
	"context"

	"atelier/http/ysync"
	"atelier/messages"
)

// ask has a step 1 answered. Of several that wait the last one is.
func (m *yjsMember) ask(vector []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked = vector; m.asked == nil {
		m.asked = emptyVector
	}
	if !m.reading {
		m.reading = true
		go m.answer()
	}
}

// answer answers until nothing is asked.
func (m *yjsMember) answer() {
	for {
		m.mu.Lock()
		vector := m.asked
		m.asked = nil
		if m.reading = vector != nil && !m.left; !m.reading {
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		if err := m.sync(vector); err != nil {
			m.end(err)
		}
	}
}

// sync sends what a client with a state vector lacks, and asks it for what the
// document lacks. What was committed while the content was read follows, but for what
// is in it already: between the two there is no gap, since the room watched before.
func (m *yjsMember) sync(vector []byte) error {
	ctx, cancel := within(persistTime)
	defer cancel()
	for m.room.holdFor(m); ; {
		update, has, position, err := m.read(ctx, vector)
		if err != nil {
			return err
		}
		if m.room.synced(m, update, has, position) {
			return nil
		}
	}
}

func (m *yjsMember) read(ctx context.Context, encoded []byte) (update, has []byte, position int64, err error) {
	err = again(ctx, func(ctx context.Context) error {
		if !m.socket.pass() {
			return errEnded
		}
		update, has, position, err = m.room.rooms.docs.ReadMissing(ctx, m.document, encoded)
		return err
	})
	return update, has, position, err
}

// holdFor has what is committed kept for a member whose content is about to be read.
func (r *yjsRoom) holdFor(m *yjsMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.holding = !m.synced
}

// synced sends a member what was read for it. It reports false where that is not
// enough, since something that came meanwhile was let go.
func (r *yjsRoom) synced(m *yjsMember, update, has []byte, position int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.missed {
		m.held, m.missed = nil, false
		return false
	}
	r.know(vector{position, has})
	m.send(m.wire.Step2(update))
	m.send(m.wire.Step1(has))
	for _, b := range m.held {
		if b.Events[len(b.Events)-1].Seq > position {
			m.sendFrame(r.frame(m.wire, b))
		}
	}
	m.synced, m.holding, m.held = true, false, nil
	r.introduceLocked(m)
	return true
}

// askFor asks a member for what the document may lack: for more than it lacks, since
// what it had a while ago is known.
func (r *yjsRoom) askFor(m *yjsMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.send(m.wire.Step1(r.base.encoded))
}

// frame is a batch as it goes over a wire, made once on this node: a message for each
// update, since clients read one a frame. The lock is held.
func (r *yjsRoom) frame(w ysync.Wire, b *messages.Batch) []byte {
	if r.framed.batch == b && r.framed.wire == w.Name() {
		return r.framed.bytes
	}
	r.framed.batch, r.framed.wire = b, w.Name()
	r.framed.bytes = b.Frame("yjs "+w.Name(), func() []byte {
		size := 0
		for _, e := range b.Events {
			size += len(e.Data) + 96
		}
		frames := make([]byte, 0, size)
		for _, e := range b.Events {
			frames = appendFrame(frames, opBinary, w.Update(e.Data))
		}
		return frames
	})
	return r.framed.bytes
}
