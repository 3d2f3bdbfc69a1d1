package http

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Times of a change on its way to a document. Its grant ends before a revocation stops
// waiting for it: what was not decided by then never is. A node that waits longer than
// airTime would be taken for one that hangs.
const (
	grantTime = 600 * time.Millisecond
	airTime   = 700 * time.Millisecond
)

// way is a change on its way to a document, which decides it by a grant and asks
// nobody. Revocations wait for it from when it was lent one.
type way struct {
	table                            *Holdings
	user, session, project, document string
	arrived                          chan struct{}
	lent, marked                     bool // guarded by the table's lock
}

// setOut enters a change. The right to it is to be asked for, or seen to hold, after
// that.
func (t *Holdings) setOut(user, session, project, document string) *way {
	w := &way{table: t, user: user, session: session, project: project, document: document, arrived: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ways[w] = struct{}{}
	return w
}

// setOut enters a change by a right of a socket.
func (h *hold) setOut(document string) *way {
	return h.table.setOut(h.user, h.session, h.project, document)
}

// arrive ends it: the change was taken, or is given up.
func (w *way) arrive() {
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	delete(w.table.ways, w)
	close(w.arrived)
}

// errOvertaken is what becomes of a change whose right was asked for when a revocation
// came: the answer counts for nothing.
var errOvertaken = messages.Refuse(messages.CodeLate, "a revocation has overtaken the answer whether this is allowed")

// lend is a grant for this way alone, unless a revocation came since it began.
func (w *way) lend(g *messages.Grant) (*messages.Grant, error) {
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	if w.marked {
		return nil, errOvertaken
	}
	w.lent = true
	lent := proto.CloneOf(g)
	lent.UntilUs = w.table.lease.Now().Add(grantTime).UnixMicro()
	return lent, nil
}

// concerned are the ways that marks concern and that have a grant. Those that have none
// yet ask for it anew: waiting for them here could be waiting for oneself, since it is the
// project that answers them. The lock is held.
func (t *Holdings) concerned(marks []messages.Mark) (ways []*way) {
	for w := range t.ways {
		switch {
		case !slices.ContainsFunc(marks, w.concerns):
		case w.lent:
			ways = append(ways, w)
		default:
			w.marked = true
		}
	}
	return ways
}

func (w *way) concerns(m messages.Mark) bool {
	return (m.User == "" || m.User == w.user) && (m.Session == "" || m.Session == w.session) && (m.Project == "" || m.Project == w.project)
}

// landed waits for changes until their grants have ended, and returns the documents of
// those that were still on their way.
func landed(ways []*way) (late []string) {
	over := time.NewTimer(airTime)
	defer over.Stop()
	timeUp := false
	for _, w := range ways {
		if !timeUp {
			select {
			case <-w.arrived:
			case <-over.C:
				timeUp = true
			}
		}
		select {
		case <-w.arrived:
		default:
			late = append(late, w.document)
		}
	}
	slices.Sort(late)
	return slices.Compact(late)
}
