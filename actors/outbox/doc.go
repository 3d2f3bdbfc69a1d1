// Package outbox carries what happened out of the installation: events that the
// transactions of their changes left in the outbox go to a broker, or to
// consumers within the process.
//
// Who owns what. The streams are spread over 64 shards. A shard is leased by one
// node at a time, by the clock of the database. A Relay has a goroutine that
// keeps the node's leases and one for each lane; a lane has the shards whose
// number fits it, and what is leased is read by its lane alone.
//
// Life of an event. Its commit writes it beside the change. The lane of its shard
// reads what is unsent, in the order of each stream, publishes it in batches and
// marks what the broker has taken. Marked rows are kept for a day and may be sent
// again.
//
// Invariants. Within a stream no event is published before an earlier one was
// taken: what follows one that was not taken stays unsent, even if the broker has
// taken it, and is published again. Events are published at least once, under
// their own id. A row is marked only once the broker has confirmed it, and only
// under the lease under which it was read.
//
// Failure. With the broker or the database away lanes wait, longer each time, and
// all go on when the first of them gets through; it is logged once. An event that
// cannot be rendered, or that is refused again and again, is parked: its stream
// stops, and no other. A lane whose lease is no longer good by its own clock sends
// nothing; what was on its way is sent by the next owner again.
package outbox
