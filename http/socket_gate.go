package http

import "time"

// open reports whether the gate is. The lock is held.
func (s *socket) open() bool {
	if s.stopped > 0 {
		return false
	}
	era, trusted := s.lease()
	return trusted && era == s.era
}

// pass waits until what has come in may take effect. It reports false where nothing
// may any more.
func (s *socket) pass() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.last == nil && !s.done {
		if s.open() {
			return true
		}
		if s.stopped > 0 {
			s.change.Wait()
			continue
		}
		s.mu.Unlock()
		time.Sleep(untrusted)
		s.mu.Lock()
	}
	return false
}

// stop shuts the gate until goOn has been called as often. What is in a write just
// now has a moment to end, and else the connection does.
func (s *socket) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped++
	if s.busy {
		_ = s.conn.SetWriteDeadline(time.Now().Add(fenceTime))
	}
}

// settled waits for what was in a write when the gate was shut.
func (s *socket) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for begun := s.writes; s.busy && s.writes == begun && !s.done; {
		s.change.Wait()
	}
}

// stands reports whether what has come in may take effect now, or may yet. Where
// neither is true the socket has ended.
func (s *socket) stands() (open, yet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil || s.done {
		return false, false
	}
	open = s.open()
	return open, !open
}

// goOn opens the gate, if it was shut once.
func (s *socket) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped--; s.stopped > 0 {
		return
	}
	s.change.Broadcast()
	if len(s.queue) > 0 || len(s.urgent) > 0 {
		s.wake()
	}
}

// in says in which era of the lease the session was found good.
func (s *socket) in(era int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.era = era
}
