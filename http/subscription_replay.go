package http

import (
	"time"

	"atelier/messages"
)

// replay shows what lies between the position that was asked for and the head, in
// chunks from the log, on the primary. What happens meanwhile waits, while it is
// little; else the replay comes to it.
func (u *subscription) replay() {
	for tries := 0; tries < replayTries; {
		switch found, more := u.replayPage(); {
		case !more:
			return
		case found:
			tries = 0
		default:
			tries++
			time.Sleep(replayAgain)
		}
	}
	u.Lost() // nobody reads the log to it
}

// replayPage shows the next page of the log, if there is one. A socket has one in
// memory at a time, however many of its subscriptions have much to replay and however
// slowly it is read.
func (u *subscription) replayPage() (found, more bool) {
	u.socket.replays.Lock()
	defer u.socket.replays.Unlock()
	after, more := u.attach()
	if !more {
		return false, false
	}
	page, err := u.server.readLog(u.project, after)
	if err != nil {
		return false, true
	}
	for events := page.GetItems(); len(events) > 0; found = true {
		n := chunk(events)
		if !u.replayed(events[:n]) {
			return true, false
		}
		events = events[n:]
	}
	return found, true
}

// readLog reads a chunk. Only so many are read at one time: after a restart all come
// back at once.
func (s *Server) readLog(project string, after int64) (*messages.EventPage, error) {
	s.replays <- struct{}{}
	defer func() { <-s.replays }()
	ctx, cancel := within(askTime)
	defer cancel()
	return s.deps.Queries.ListEvents(ctx, &messages.EventQuery{Stream: messages.ProjectStream(project), AfterSeq: after, Limit: replayChunk})
}

// chunk is how many events go into one frame.
func chunk(events []*messages.EventRecord) (n int) {
	for size := 0; n < len(events) && (n == 0 || size+len(events[n].GetData()) <= replayBytes); n++ {
		size += len(events[n].GetData()) + 200
	}
	return n
}

// attach goes over to what comes live, if the replay has come to it. Else it says
// what is still missing.
func (u *subscription) attach() (after int64, more bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.phase != replaying {
		return 0, false
	}
	near := len(u.pending) > 0 && u.pending[0].GetSeq() <= u.last+1
	if !near && u.last < u.head {
		return u.last, true
	}
	if near && !u.showAll(u.pending) {
		return 0, false
	}
	u.pending, u.phase = nil, following
	u.put(u.wire.caughtUp(u.project, u.last), 0)
	return 0, false
}

// replayed queues a part, when there is room. It reports false where nobody wants it
// any more.
func (u *subscription) replayed(events []*messages.EventRecord) bool {
	bytes := u.wire.events(u.project, events)
	for {
		u.mu.Lock()
		if u.phase != replaying {
			u.mu.Unlock()
			return false
		}
		if u.socket.send(frame{bytes: bytes, of: u.right, seq: events[0].GetSeq()}) {
			u.last = events[len(events)-1].GetSeq()
			u.mu.Unlock()
			return true
		}
		u.mu.Unlock()
		if !u.socket.room() {
			return false
		}
	}
}
