package messages

import "time"

// Outbox is what one node knows of the events that are on their way out.
type Outbox struct {
	Node   string // that answers
	Broker bool   // events go to one; else nobody wants them and they are discarded
	Away   time.Duration
	Reason string // why, and since when, nothing can be sent; empty: it can
	Shards int    // that this node has, of OutboxShards
	Unsent int    // in these
	Lag    time.Duration
	Parked []ParkedStream // of all nodes, the longest first
}

// OutboxShards is how many shards the nodes share.
const OutboxShards = 64

// ParkedStream has stopped at an event that cannot be sent.
type ParkedStream struct {
	Stream  string
	EventID string
	Seq     int64
	Type    string
	Reason  string
	At      time.Time
}
