package http

import (
	"sync"
	"time"

	"atelier/messages"
)

// errOver is why a subscription is no more that was ended from the socket itself, by
// unsub or by another sub, before it was answered.
var errOver = messages.Refuse(messages.CodeInvalidState, "the subscription was ended before this was answered")

// wake has what is queued written, by the writer that is there or by a new one. The
// lock is held.
func (s *socket) wake() {
	switch {
	case s.kick != nil:
		s.wakeWriter()
	case s.done || s.said:
	case s.last != nil || s.stopped == 0:
		s.kick = make(chan struct{}, 1)
		go s.write(s.kick)
	}
}

func (s *socket) wakeWriter() {
	select {
	case s.kick <- struct{}{}:
	default: // it looks anyway, or there is none
	}
}

// write writes what is queued until nothing has come for a while.
func (s *socket) write(kick chan struct{}) {
	idle := time.NewTimer(writerIdle)
	defer idle.Stop()
	for {
		batch, pooled, wait := s.take()
		if wait < 0 {
			return
		}
		if wait == 0 {
			if !s.put(batch, pooled) {
				return
			}
			continue
		}
		idle.Reset(wait)
		select {
		case <-kick:
		case <-idle.C:
			if s.rest() {
				return
			}
		}
	}
}

// rest ends the writer, unless there is something to write.
func (s *socket) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits := len(s.queue) > 0 || len(s.urgent) > 0
	if s.begun != nil || !s.done && !s.said && (s.last != nil || waits && s.stopped == 0) {
		return false
	}
	s.kick = nil
	_ = s.conn.SetWriteDeadline(time.Time{}) // of the last write: one would fail that is not the writer's
	return true
}

// take is what is to be written next, or how long to wait for it: less than nothing
// where it is over. What waits goes out together.
func (s *socket) take() (batch []byte, pooled *[]byte, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun != nil { // by who has set its time
		batch, pooled = s.begun, s.begunIn
		s.begun, s.begunIn = nil, nil
		return batch, pooled, 0
	}
	switch {
	case s.done || s.said:
		s.kick = nil
		return nil, nil, -1
	case s.open():
	case s.last != nil:
		s.ownAlone()
	case s.stopped > 0:
		return nil, nil, writerIdle
	default:
		return nil, nil, untrusted
	}
	if batch, pooled = s.collect(); len(batch) > 0 {
		s.mute = false
	}
	if len(batch) == 0 {
		if s.last == nil {
			return nil, nil, writerIdle
		}
		batch, s.said = s.last, true
	}
	s.busy = true
	s.writes++
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeStall))
	return batch, pooled, 0
}

// collect takes frames off the queue: one as it is, or several in a buffer. Those
// whose right is over are left out.
func (s *socket) collect() (batch []byte, pooled *[]byte) {
	n, size := 0, len(s.urgent)
	for n < len(s.queue) && (size == 0 || size+len(s.queue[n].bytes) <= writeChunk) {
		s.revise(&s.queue[n])
		size += len(s.queue[n].bytes)
		n++
	}
	switch {
	case n == 0:
		batch = s.urgent
	case n == 1 && len(s.urgent) == 0:
		batch = s.queue[0].bytes
	default:
		pooled = writeBuffers.Get().(*[]byte)
		batch = append((*pooled)[:0], s.urgent...)
		for _, f := range s.queue[:n] {
			batch = append(batch, f.bytes...)
		}
	}
	s.urgent = nil
	for _, f := range s.queue[:n] {
		s.queued -= len(f.bytes)
	}
	left := copy(s.queue, s.queue[n:])
	clear(s.queue[left:])
	if s.queue = s.queue[:left]; left == 0 && cap(s.queue) > keptFrames {
		s.queue = nil
	}
	return batch, pooled
}

// revise looks at a frame before it is written. The lock is held.
func (s *socket) revise(f *frame) {
	was := len(f.bytes)
	switch {
	case f.now != nil:
		f.bytes = f.now()
	case f.of == nil || !f.of.dead.Load():
	case f.instead != nil:
		f.bytes = f.instead(errOver)
	default:
		f.bytes = nil
	}
	s.queued += len(f.bytes) - was
	*f = frame{bytes: f.bytes} // once
}

var writeBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, writeChunk)
	return &b
}}

// put writes a batch. It reports false when that was the last one.
func (s *socket) put(batch []byte, pooled *[]byte) bool {
	err := s.conveyed(batch)
	if pooled != nil {
		writeBuffers.Put(pooled)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	s.change.Broadcast()
	switch {
	case err != nil:
		s.shut(closeSlow) // before anybody else writes behind half a frame
	case !s.said:
		return true
	case !s.manner.answered:
		s.shut(closeNormal)
	default:
		time.AfterFunc(closeTime, func() { s.abort(closeGone) })
	}
	return false
}

// conveyed writes in pieces. A client that takes one of them is alive; one in the
// middle of what it may not see any more is not shown the rest.
func (s *socket) conveyed(batch []byte) error {
	for {
		n := min(len(batch), writeChunk)
		if _, err := s.conn.Write(batch[:n]); err != nil {
			return err
		}
		if batch = batch[n:]; len(batch) == 0 {
			return nil
		}
		if !s.prolong() {
			return errStopped
		}
	}
}

// prolong gives the next piece its time, while the gate is open.
func (s *socket) prolong() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeStall))
	return s.open()
}
