package http

import (
	"bytes"
	"context"
	"errors"
	"time"

	"atelier/messages"
)

// maxQueued is how many bytes of updates a member may have waiting. Beyond it nothing
// is read from its socket until some are written.
const maxQueued = messages.MaxDocument + messages.MaxUpdate

// A flight costs as much with one update as with a hundred. Where the last one had
// several the next waits a moment for those that are on their way. Who types is not held
// up: his updates come one by one.
const gatherTime = 2 * time.Millisecond

// updateOverhead is what an update takes beside its bytes.
const updateOverhead = 64

// write takes an update. While one is on its way those that come wait, and are then
// written together, so that who types fast does not wait for each of them.
func (m *yjsMember) write(update []byte) {
	if cap(update) > 2*len(update)+updateOverhead {
		update = bytes.Clone(update) // what came with it is not kept
	}
	size := len(update) + updateOverhead
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.queued > maxQueued-size && m.queued > 0 && !m.left {
		m.freed.Wait()
	}
	m.queue = append(m.queue, update)
	m.queued += size
	if !m.writing {
		m.writing = true
		go m.writeAll()
	}
}

// writeAll writes what waits until nothing does.
func (m *yjsMember) writeAll() {
	for {
		m.gather()
		m.mu.Lock()
		updates := m.queue
		m.queue = nil
		if m.writing = len(updates) > 0; !m.writing {
			m.freed.Broadcast()
			m.mu.Unlock()
			return
		}
		m.hasty = len(updates) > 1
		m.mu.Unlock()
		if err := m.save(updates); err != nil {
			m.end(err)
		}
		m.mu.Lock()
		for _, u := range updates {
			m.queued -= len(u) + updateOverhead
		}
		m.freed.Broadcast()
		m.mu.Unlock()
	}
}

// gather lets more updates come, where they come fast.
func (m *yjsMember) gather() {
	m.mu.Lock()
	hasty := m.hasty && !m.left
	m.mu.Unlock()
	if hasty {
		time.Sleep(gatherTime)
	}
}

// save writes updates and acknowledges each: to Hocuspocus by a message of its own,
// and to y-websocket by what everyone is told. Of several that are refused together one
// may be at fault: each half is written alone, unless that happens often.
func (m *yjsMember) save(updates [][]byte) error {
	if acknowledgesEarly {
		m.saved(updates)
	}
	err := m.append(updates)
	switch {
	case err == nil:
		if !acknowledgesEarly {
			m.saved(updates)
		}
		return nil
	case !refusing(err) || errors.Is(err, errEnded):
		return err
	case messages.HasCode(err, messages.CodeForbidden):
		return m.readOnly(updates)
	case len(updates) == 1 || !m.faults.take(time.Now()):
		return m.refuse(len(updates), err)
	}
	half := len(updates) / 2
	if err := m.save(updates[:half]); err != nil {
		return err
	}
	return m.save(updates[half:])
}

// readOnly answers each update of who may not write.
func (m *yjsMember) readOnly(updates [][]byte) error {
	ctx, cancel := within(persistTime)
	defer cancel()
	for _, u := range updates {
		err := m.needless(ctx, [][]byte{u})
		switch {
		case err == nil:
			m.saved([][]byte{u})
		case !refusing(err):
			return err
		default:
			if err := m.refuse(1, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// append returns when the updates are durable. It tries again while nobody answers:
// what is there already is not added twice.
func (m *yjsMember) append(updates [][]byte) error {
	ctx, cancel := within(persistTime)
	defer cancel()
	return again(ctx, func(ctx context.Context) error {
		way, passed := m.setOut()
		defer way.arrive()
		grant, err := m.writer(ctx, passed)
		if err != nil {
			return err
		}
		if !grant.GetWrite() {
			return m.needless(ctx, updates)
		}
		if grant, err = way.lend(grant); err != nil {
			return err
		}
		return m.rooms.docs.AppendUpdates(ctx, &messages.AppendUpdate{Meta: m.who.signs(&messages.Meta{}), DocumentId: m.document, Grant: grant}, updates)
	})
}

// setOut puts a change on its way once what came in may take effect. It reports false
// where the socket has ended: then whoever asks for the right again finds out whether it
// is still there.
func (m *yjsMember) setOut() (w *way, passed bool) {
	for {
		w = m.right.setOut(m.document)
		open, yet := m.socket.stands()
		if open || !yet {
			return w, open
		}
		w.arrive() // a revocation that shut the gate does not wait for what waits for it
		m.socket.pass()
	}
}

// needless refuses updates of who may only read, unless the document has them: what a
// client answers to a step 1 is that, as a rule. Who sends many is refused without a
// look, which takes all of the document.
func (m *yjsMember) needless(ctx context.Context, updates [][]byte) error {
	for _, u := range updates {
		adds := true
		if m.looks.take(time.Now()) {
			var err error
			if adds, err = m.room.rooms.docs.Adds(ctx, m.document, u); err != nil {
				return err
			}
		}
		if adds {
			return messages.Refuse(messages.CodeForbidden, "the document may be read and not changed")
		}
	}
	return nil
}

// saved tells Hocuspocus that updates are durable.
func (m *yjsMember) saved(updates [][]byte) {
	if !m.wire.Plain() {
		m.acknowledge(len(updates), true)
		return
	}
	if acknowledgesEarly {
		for _, u := range updates {
			m.send(m.wire.Update(u))
		}
	}
}

// acknowledge tells Hocuspocus of so many updates, each by a message, whether they are
// durable.
func (m *yjsMember) acknowledge(updates int, durable bool) {
	m.add(bytes.Repeat(framed(opBinary, m.wire.Saved(durable)), updates))
	m.socket.flush()
}

// refuse tells that updates were not taken. y-websocket can be told that somebody may
// not write, once; what else is wrong it learns by the end of its socket.
func (m *yjsMember) refuse(updates int, err error) error {
	switch {
	case !m.wire.Plain():
		m.acknowledge(updates, false)
		return nil
	case !messages.HasCode(err, messages.CodeForbidden):
		return err
	}
	m.mu.Lock()
	told := m.denied
	m.denied = true
	m.mu.Unlock()
	if !told {
		m.send(m.wire.Denied(messages.CodeForbidden))
	}
	return nil
}
