package actors

import "sync/atomic"

// crew runs mailboxes on goroutines that wait for the next one afterwards. A new
// goroutine for each run would have to grow its stack each time, which takes
// longer than most turns do.
type crew struct {
	work chan func()
	idle atomic.Int32
	stop <-chan struct{}
}

const (
	maxIdleHands = 128 // of a crew; a few KiB of stack each
	throughput   = 300 // turns of one mailbox until others have theirs: the library's default
)

func newCrew(stop <-chan struct{}) *crew { return &crew{work: make(chan func()), stop: stop} }

// Schedule implements actor.Dispatcher.
func (c *crew) Schedule(f func()) {
	select {
	case c.work <- f:
	default:
		go c.hand(f)
	}
}

// Throughput implements actor.Dispatcher.
func (c *crew) Throughput() int { return throughput }

// hand runs one mailbox after another, until there are idle hands enough or the
// runtime stops.
func (c *crew) hand(f func()) {
	for {
		f()
		if c.idle.Add(1) > maxIdleHands {
			c.idle.Add(-1)
			return
		}
		select {
		case f = <-c.work:
			c.idle.Add(-1)
		case <-c.stop:
			return
		}
	}
}
