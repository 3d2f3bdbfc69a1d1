package cluster

import (
	"slices"
	"time"

	"atelier/messages"
)

// strikeAfter is how long a node that is not seen keeps what it holds.
const strikeAfter = 2 * time.Second

// sight is what a node has seen of the other nodes' leases. It belongs to the
// lease's loop.
type sight struct {
	missed map[life]time.Duration // since when each has not been seen, by the node's monotonic clock
}

// life is one incarnation of a node.
type life struct {
	name   string
	number int64
}

// judge compares the live leases of the cluster with the nodes that this one
// sees and reaches beside itself. The node is on the strong side of a split when it
// reaches more than half of them, or half of them with the oldest. Then it is to
// strike those that it has not seen for a while and that have others refused
// what they hold: of the rest the rows are free to take. Who is seen and not
// reached sees this one too, and others may reach it.
func (s *sight) judge(now time.Duration, self string, live []messages.LeasedNode, sees func(name string) (seen, reached bool)) (strong bool, strike []messages.LeasedNode) {
	missed := make(map[life]time.Duration)
	count, oldest := 0, false
	first := eldest(live)
	for _, n := range live {
		seen, reached := sees(n.Name)
		if n.Name == self || reached {
			count++
			oldest = oldest || n.Name == first
		}
		if n.Name == self || seen {
			continue
		}
		of := life{n.Name, n.Incarnation}
		since, ok := s.missed[of]
		if !ok {
			since = now
		}
		missed[of] = since
		if now-since >= strikeAfter && n.Exclusive && !n.Struck {
			strike = append(strike, n)
		}
	}
	s.missed = missed
	if strong = 2*count > len(live) || 2*count == len(live) && oldest; !strong {
		return false, nil
	}
	return true, strike
}

// eldest is the name of the node that has been there for longest.
func eldest(live []messages.LeasedNode) string {
	if len(live) == 0 {
		return ""
	}
	return slices.MinFunc(live, func(a, b messages.LeasedNode) int {
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	}).Name
}
