package cluster

import "time"

// Meter is told how a node gets on with its peers. Its methods are called while
// commands wait: they neither block nor allocate.
type Meter interface {
	// Called: a command to another node has ended, with one of the Results.
	Called(result string, took time.Duration)
	// Overloaded: a request was refused because one of the Queues was full.
	Overloaded(queue string)
}

// Results of a command to another node.
const (
	ResultAnswered   = "answered" // with a reply or a refusal of the entity's
	ResultMoved      = "moved"    // not carried out
	ResultUnknown    = "unknown"  // perhaps carried out
	ResultTimeout    = "timeout"  // the asker's time has run out
	ResultOverloaded = "overloaded"
	ResultFailed     = "failed"
)

// Queues that may be full.
const (
	QueuePeer = "peer" // calls to one other node
	QueueGate = "gate" // requests of all other nodes
)

// unmetered is the Meter of a Transport that has none.
type unmetered struct{}

func (unmetered) Called(string, time.Duration) {}
func (unmetered) Overloaded(string)            {}

// LeaseStats are a node's lease at one moment.
type LeaseStats struct {
	Held      bool
	Exclusive bool          // answers need no question to the database
	Remaining time.Duration // for which it is trusted without a renewal
	Lost      int64         // incarnations that lapsed
	Strikes   int64         // leases of others that this node, on the strong side of a split, had end
}

// Stats is how the lease stands.
func (l *Lease) Stats() LeaseStats {
	_, exclusive := l.Trust()
	remaining := max(0, time.Duration(l.until.Load()-l.sinceStart()))
	return LeaseStats{Held: l.Held(), Exclusive: exclusive, Remaining: remaining, Lost: l.losses.Load(), Strikes: l.strikes.Load()}
}

// InFlight is the number of calls under way to each of the other nodes, by name.
func (c *Caller) InFlight() map[string]int64 {
	v := c.View()
	calls := make(map[string]int64, len(v.Nodes))
	for _, n := range v.Nodes {
		if n.Name != v.Self {
			calls[n.Name] = c.transport.calls.peer(n.Address).inFlight.Load()
		}
	}
	return calls
}
