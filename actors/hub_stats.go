package actors

import "sync/atomic"

// hubCounts are what has happened in a hub.
type hubCounts struct {
	watchers, published, told, pushes, dropped, filled, unfilled, lost, refused, signals atomic.Int64
}

// HubStats are a hub at one moment. What is counted is so since it was made.
type HubStats struct {
	Topics     int64 // that are watched on this node
	Watchers   int64 // on this node
	Subscribed int64 // topics of this node that others watch
	Rooms      int64 // projects of which this node merges who is there
	Waiting    int64 // things to be sent to other nodes

	Published int64 // events committed here that somebody watches
	Told      int64 // events that were passed on, each once for the node
	Pushes    int64 // messages to other nodes
	Dropped   int64 // things left out because a queue was full or a node not there
	Filled    int64 // events that were missing and read from the log
	Unfilled  int64 // attempts to that failed
	Lost      int64 // watchers told that what follows cannot be given
	Refused   int64 // subscriptions that a node did not take
	Signals   int64 // that began here
}

// Stats is how the hub stands.
func (h *Hub) Stats() HubStats {
	h.rooms.mu.Lock()
	rooms := len(h.rooms.m)
	h.rooms.mu.Unlock()
	c := &h.counts
	return HubStats{
		Topics: int64(h.topics.count()), Watchers: c.watchers.Load(), Subscribed: int64(h.audiences.count()), Rooms: int64(rooms), Waiting: int64(h.waiting()),
		Published: c.published.Load(), Told: c.told.Load(), Pushes: c.pushes.Load(), Dropped: c.dropped.Load(), Filled: c.filled.Load(), Unfilled: c.unfilled.Load(),
		Lost: c.lost.Load(), Refused: c.refused.Load(), Signals: c.signals.Load(),
	}
}
