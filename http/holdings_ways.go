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
// nobody. Revocations wait for it.
type way struct {
	table                            *Holdings
	user, session, project, document string
	until                            time.Time // the grant counts; database time
	arrived                          chan struct{}
}

// setOut enters a change. The right to it is to be asked for, or seen to hold, after
// that.
func (t *Holdings) setOut(user, session, project, document string) *way {
	w := &way{t, user, session, project, document, t.lease.Now().Add(grantTime), make(chan struct{})}
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

// lend is a grant for this way alone.
func (w *way) lend(g *messages.Grant) *messages.Grant {
	lent := proto.CloneOf(g)
	lent.UntilUs = w.until.UnixMicro()
	return lent
}

// concerned are the ways that marks concern. The lock is held.
func (t *Holdings) concerned(marks []messages.Mark) (ways []*way) {
	for w := range t.ways {
		if slices.ContainsFunc(marks, w.concerns) {
			ways = append(ways, w)
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
