package http

import (
	"errors"

	"atelier/messages"
)

// Revoke stops what marks concern: nothing of it goes in or out any more when it
// returns, and what had come in before has taken effect, or will not: but for changes of
// the documents that it returns, which are taking long. Once these were fenced what was
// not written will not be. What is still allowed goes on by itself.
func (t *Holdings) Revoke(marks []messages.Mark) (late []string) {
	if !socketsHear {
		return nil
	}
	t.mu.Lock()
	var stopped []*socket
	for _, m := range marks {
		stopped = t.mark(m, stopped)
	}
	ways := t.concerned(marks)
	t.mu.Unlock()
	for _, s := range stopped {
		s.settled()
	}
	return landed(ways)
}

func (t *Holdings) mark(m messages.Mark, stopped []*socket) []*socket {
	concerned := t.roots
	switch {
	case m.Project != "":
		concerned = t.projects[m.Project]
	case m.Session != "":
		concerned = t.sessions[m.Session]
	case m.User != "":
		concerned = t.users[m.User]
	}
	for h := range concerned {
		if (m.User == "" || m.User == h.user) && (m.Session == "" || m.Session == h.session) {
			stopped = h.stop(stopped)
		}
	}
	return stopped
}

// stop stops a right, and has the truth asked. The table's lock is held.
func (h *hold) stop(stopped []*socket) []*socket {
	h.marks++
	switch h.state {
	case entering, over:
		return stopped // nothing has gone out by it, or nothing does
	case asking: // it will be once more; what was in a write when it was stopped may still be
	case valid:
		h.state = asking
		h.socket.stop()
		go h.again()
	}
	return append(stopped, h.socket)
}

// again asks for a right that was stopped.
func (h *hold) again() {
	defer h.socket.goOn()
	ctx, cancel := within(pauseMost)
	defer cancel()
	err := h.settle(ctx, true)
	switch {
	case err == nil:
		if h.kept != nil {
			h.kept()
		}
	case errors.Is(err, errEnded):
	case !refusing(err):
		h.socket.close(closeDraining, "nobody could tell what is allowed")
	case h.project == "":
		h.socket.cut(closeUnauthenticated, messages.CodeOf(err), h.farewell(err))
	default:
		h.lost(err)
		h.socket.drop(h, err)
	}
}

// says has something said before the socket is cut.
func (h *hold) says(last func(error) []byte) {
	h.table.mu.Lock()
	defer h.table.mu.Unlock()
	h.last = last
}

func (h *hold) farewell(err error) []byte {
	h.table.mu.Lock()
	last := h.last
	h.table.mu.Unlock()
	if last == nil {
		return nil
	}
	return last(err)
}

// look follows the node's lease. When it has lapsed, and when it begins anew, all
// sockets ask for all they hold.
func (t *Holdings) look() {
	era, trusted := t.lease.Trust()
	t.mu.Lock()
	defer t.mu.Unlock()
	lapse, anew := !trusted && !t.lapsed, trusted && era != t.era
	if t.lapsed = !trusted; anew {
		t.era = era
	}
	if !lapse && !anew { // what has entered since was found good in this era
		return
	}
	for h := range t.roots {
		if lapse || h.state == valid && h.era != era {
			for _, each := range h.socket.holds {
				_ = each.stop(nil)
			}
		}
	}
}

// ahead stops what else the socket holds, where a root is the first to be found good in
// an era: else the gate would open for what was found out in another one. The table's
// lock is held.
func (h *hold) ahead(era int64) {
	for _, other := range h.socket.holds {
		if other.state == valid && other.era != era {
			_ = other.stop(nil)
		}
	}
}
