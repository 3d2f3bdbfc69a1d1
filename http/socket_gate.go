package http

import (
	"maps"
	"slices"
	"time"
)

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
	return s.passes()
}

// passes is pass. The lock is held, but for the time that it waits.
func (s *socket) passes() bool {
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

// airTime is how long a revocation waits for what a socket had on its way to a
// document. The node that waits longer would be taken for one that hangs.
const airTime = 700 * time.Millisecond

// begin waits until something may take effect, and is its time on the way, to be closed
// when it has arrived, or has not. It reports false where the socket has ended: then
// whoever asks for the right again after that finds out whether it is still there.
func (s *socket) begin() (way chan struct{}, passed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	passed = s.passes()
	way = make(chan struct{})
	if s.air == nil {
		s.air = make(map[chan struct{}]struct{})
	}
	s.air[way] = struct{}{}
	return way, passed
}

// arrived ends it.
func (s *socket) arrived(way chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.air, way)
	close(way)
}

// landed waits for what was on its way when the gate was shut.
func landed(all []*socket) {
	late := time.NewTimer(airTime)
	defer late.Stop()
	for _, s := range all {
		s.mu.Lock()
		ways := slices.Collect(maps.Keys(s.air))
		s.mu.Unlock()
		for _, way := range ways {
			select {
			case <-way:
			case <-late.C:
				return
			}
		}
	}
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
