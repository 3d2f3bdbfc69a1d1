package http

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"atelier/messages"
)

// Times of rights that are asked for anew.
const (
	leaseLook  = 250 * time.Millisecond // between looks at the node's lease
	askAgain   = 100 * time.Millisecond // after nobody has answered, and up to five times that
	askTime    = 5 * time.Second        // for an answer
	pauseMost  = 30 * time.Second       // a socket whose rights nobody can tell waits so long, and is closed
	askAtOnce  = 64                     // after a lapse all sockets ask: no stampede
	alwaysHeld = 1                      // era of a node that needs no lease
)

// Lease is the right of a node to answer by what it knows.
type Lease interface {
	// Trust reports whether the node holds it, and its era: what was found out in
	// another one counts for nothing.
	Trust() (era int64, ok bool)
	// Now is database time.
	Now() time.Time
}

type noLease struct{}

func (noLease) Trust() (int64, bool) { return alwaysHeld, true }
func (noLease) Now() time.Time       { return time.Now() }

// Holdings are the rights that a node's open sockets hold: each in the name of a
// session, and on projects; and the changes that are on their way to documents. A revocation stops all that it concerns before Revoke
// returns. Then the truth is asked: what is still allowed goes on, and the rest ends.
//
// A right enters before the truth is asked, and what was answered before a mark came
// counts for nothing: so none is missed that is on its way.
type Holdings struct {
	lease Lease
	slots chan struct{}

	mu       sync.Mutex
	roots    map[*hold]struct{} // of sockets: their sessions
	users    map[string]map[*hold]struct{}
	sessions map[string]map[*hold]struct{}
	projects map[string]map[*hold]struct{}
	ways     map[*way]struct{}
	lapsed   bool  // when it was looked last
	era      int64 // which all that was valid had then, or was asked for anew
}

// NewHoldings makes a table that nothing is in. Without a lease the node is always
// trusted.
func NewHoldings(lease Lease) *Holdings {
	if lease == nil {
		lease = noLease{}
	}
	return &Holdings{
		lease: lease, slots: make(chan struct{}, askAtOnce), roots: make(map[*hold]struct{}), users: make(map[string]map[*hold]struct{}),
		sessions: make(map[string]map[*hold]struct{}), projects: make(map[string]map[*hold]struct{}), ways: make(map[*way]struct{}),
	}
}

// hold is a right of a socket: that of its session, which is its root, or one on a
// project.
type hold struct {
	table   *Holdings
	socket  *socket
	user    string // empty: nobody is signed in
	session string
	project string // empty: the root

	// check asks the truth; nil is yes. It is called by one goroutine at a time.
	check func(context.Context) error
	// kept is called when the right was asked for anew and still is; nil: nobody wants
	// to know. Lost: it is not, and why. Nothing goes in or out meanwhile. Lost is not
	// called for a root: its socket is cut.
	kept func()
	lost func(error)

	// last is what is said before a root's socket is cut, framed; nil: nothing. Guarded
	// by the table's lock.
	last func(error) []byte

	marks int   // revocations that concerned it; guarded by the table's lock
	era   int64 // of the lease, in which it was found good
	state holdState
	dead  atomic.Bool // it is over: what waits by it is not written
}

type holdState byte

const (
	entering holdState = iota // the truth is asked for the first time
	valid
	asking // anew: the socket's gate is shut
	over
)

// enter takes a right into the table, and asks the truth. It returns with an answer
// that no revocation has overtaken; a refusal is an error, and then nothing is held.
func (t *Holdings) enter(ctx context.Context, h *hold) error {
	h.table = t
	t.mu.Lock()
	t.index(h)
	t.mu.Unlock()
	err := h.settle(ctx, false)
	if err != nil {
		h.leave()
	}
	return err
}

// leave takes a right out of the table.
func (h *hold) leave() {
	h.table.mu.Lock()
	defer h.table.mu.Unlock()
	h.table.forget(h)
}

// leaveAll takes out all rights of a socket.
func (t *Holdings) leaveAll(s *socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(s.holds) > 0 {
		t.forget(s.holds[0])
	}
}

// settle asks until there is an answer that counts. Only the patient ask again where
// nobody answers.
func (h *hold) settle(ctx context.Context, patient bool) error {
	for wait := askAgain; ; wait = min(wait*3/2, 5*askAgain) {
		marks, gone := h.marked()
		if gone {
			return errEnded
		}
		era, trusted := h.table.lease.Trust()
		err := error(messages.Refuse(messages.CodeUnavailable, "the node does not hold its lease: come again"))
		if trusted {
			err = h.ask(ctx, patient)
		}
		if trusted && (err == nil || refusing(err)) {
			if h.settled(marks, era, err) {
				return err
			}
			continue // overtaken
		}
		if !patient {
			return err
		}
		select {
		case <-ctx.Done():
			return messages.Refuse(messages.CodeUnavailable, "nobody could tell in time what is allowed: come again")
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

// ask asks once. Those who were stopped wait for their turn.
func (h *hold) ask(ctx context.Context, inTurn bool) error {
	if h.check == nil {
		return nil
	}
	if inTurn {
		select {
		case h.table.slots <- struct{}{}:
			defer func() { <-h.table.slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return h.check(ctx)
}

func (h *hold) marked() (marks int, gone bool) {
	h.table.mu.Lock()
	defer h.table.mu.Unlock()
	return h.marks, h.state == over
}

// settled takes an answer, unless a revocation or the end of the lease has overtaken
// it.
func (h *hold) settled(marks int, era int64, err error) bool {
	h.table.mu.Lock()
	defer h.table.mu.Unlock()
	if now, trusted := h.table.lease.Trust(); h.marks != marks || !trusted || now != era || h.state == over {
		return false
	}
	if err != nil {
		h.table.forget(h)
		return true
	}
	h.state, h.era = valid, era
	if h.project == "" {
		h.ahead(era)
		h.socket.in(era)
	}
	return true
}

// refusing reports whether an error is an answer: that the right is not there.
func refusing(err error) bool {
	switch messages.CodeOf(err) {
	case messages.CodeUnavailable, messages.CodeOverloaded, messages.CodeTimeout, messages.CodeMoved, messages.CodeOutcomeUnknown,
		messages.CodeInternal, messages.CodeRateLimited, messages.CodeTooManyAttempts, messages.CodeLate:
		return false
	}
	return true
}
