package outbox

import "time"

// Waits after failures, doubled with each.
const (
	firstWait  = 100 * time.Millisecond
	longestOut = 3 * time.Second  // while the broker or the database is away
	longestOff = 30 * time.Second // of a stream whose event is refused
)

// Backoff is how long to wait after so many failures in a row. Jitter, between 0
// and 1, keeps those who failed together from coming back together.
func Backoff(failures int, longest time.Duration, jitter float64) time.Duration {
	wait := longest
	if failures < 20 {
		wait = min(longest, firstWait<<max(failures-1, 0))
	}
	return wait/2 + time.Duration(jitter*float64(wait/2))
}

// settled is what a batch has come to.
type settled struct {
	sent     []Event
	unrouted int             // among them, and among those that must have a queue
	refused  []Event         // one of each stream
	missing  []Event         // must have a queue and have none
	stopped  map[string]bool // streams of which nothing more may be sent now
}

// settle judges a batch, which is in the order of each stream. What follows an
// event that was not taken is not sent: it will be published again behind it.
func settle(batch []Message, outcomes []Outcome) (s settled) {
	s.stopped = map[string]bool{}
	for i, m := range batch {
		outcome := Unknown
		if i < len(outcomes) {
			outcome = outcomes[i]
		}
		if outcome == Unrouted {
			s.unrouted++
		}
		if s.stopped[m.Stream] {
			continue
		}
		switch {
		case outcome == Taken, outcome == Unrouted && !MustRoute(m.Type):
			s.sent = append(s.sent, m.Event)
			continue
		case outcome == Refused:
			s.refused = append(s.refused, m.Event)
		case outcome == Unrouted:
			s.missing = append(s.missing, m.Event)
		}
		s.stopped[m.Stream] = true
	}
	return s
}

// holds are streams that a lane leaves alone for a while, since an event was
// refused.
type holds map[string]hold

type hold struct {
	event    string
	failures int
	until    time.Time
}

// refuse notes a refusal, and says when to park the event: after so many.
func (h holds) refuse(e Event, most int, now time.Time, jitter float64) (park bool) {
	was := h[e.Stream]
	if was.event != e.ID {
		was = hold{event: e.ID}
	}
	was.failures++
	was.until = now.Add(Backoff(was.failures, longestOff, jitter))
	h[e.Stream] = was
	return was.failures >= most
}

// streams are those that are still to be left alone.
func (h holds) streams(now time.Time) (list []string) {
	for stream, on := range h {
		if now.Before(on.until) {
			list = append(list, stream)
		}
	}
	return list
}

// free forgets streams that have moved on.
func (h holds) free(events []Event) {
	for _, e := range events {
		delete(h, e.Stream)
	}
}

// surplus are the leases beyond a node's share: the last ones.
func surplus(held []Lease, share int) []Lease { return held[min(share, len(held)):] }
