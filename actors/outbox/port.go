package outbox

import (
	"context"
	"time"
)

// Lease is the right to send a shard's events. The epoch is raised whenever the
// shard changes hands.
type Lease struct {
	Shard int
	Epoch int64
}

// Source is the outbox of a database. Times are the database's.
type Source interface {
	// Lease prolongs what the node has, and takes free shards until it has its
	// share of all: fewer where more nodes relay. Those beyond its share it still
	// has until it gives them back. A node that has no broker gets none while
	// there is one that has, or was within a day. Wanted is the beginning of the
	// streams that it publishes, nil where it publishes none: where no node wants
	// an event it need not be kept for them.
	Lease(ctx context.Context, node string, ttl time.Duration, broker bool, wanted *string) (held []Lease, share int, err error)
	// GiveBack ends leases. With leave the node does not relay any more.
	GiveBack(ctx context.Context, node string, leases []Lease, leave bool) error
	// Unsent reads the first unsent events of each shard, at most perShard of one
	// and limit of all, in the order of each stream. Streams that are parked are
	// left out, and so are those named.
	Unsent(ctx context.Context, leases []Lease, without []string, perShard, limit int) ([]Event, error)
	// Mark notes that events were sent, those whose lease is still good, and tells
	// how many.
	Mark(ctx context.Context, leases []Lease, events []Event) (int, error)
	// Discard removes unsent events that nobody wants, at most limit of them: all but
	// those of streams that begin with wanted, where that is not empty.
	Discard(ctx context.Context, leases []Lease, wanted string, limit int) (int, error)
	// Park stops a stream at an event, if the lease is still good.
	Park(ctx context.Context, lease Lease, e Event, reason string) error
	// Backlog is what waits in these shards.
	Backlog(ctx context.Context, leases []Lease) (Backlog, error)
}

// Backlog is what waits to be sent.
type Backlog struct {
	Unsent int           // at most BacklogCounted are counted in each shard
	Oldest time.Duration // age of the oldest of them
	Parked int           // streams
}

// BacklogCounted is how many unsent events of a shard are counted.
const BacklogCounted = 1000

// Outcome is what became of an event that was to be published.
type Outcome int

// Outcomes.
const (
	Unknown  Outcome = iota // it was not sent, or nobody knows
	Taken                   // it is where it should be, on disk
	Unrouted                // no queue wants it
	Refused                 // the broker, or a consumer, does not take it
)

// Message is an event in the form in which it is sent.
type Message struct {
	Event
	Body []byte
}

// Publisher sends events on.
type Publisher interface {
	// Publish sends a batch in its order and waits until it is known what became of
	// each; outcomes[i] belongs to batch[i]. An error is one of the way to the
	// broker; what was sent before may have outcomes all the same. A lane has one
	// call at a time.
	Publish(ctx context.Context, lane int, batch []Message) (outcomes []Outcome, err error)
	// Close ends connections. No lane publishes any more.
	Close()
}

// Meter is told what the Relay does.
type Meter interface {
	// Published: a batch has come back from the broker.
	Published(taken, unrouted int, took time.Duration)
	// Delivered: an event was marked so long after it had happened.
	Delivered(after time.Duration)
}

// Redrive says what is to be sent again.
type Redrive struct {
	Stream string        // of this stream alone; empty: of all
	Since  time.Duration // also what was sent within this time
}
