package cluster

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

const (
	callShards  = 32   // a power of two
	maxInFlight = 4096 // calls to one peer
	maxAsks     = 3072 // commands among them: the rest is left to what keeps the cluster together

	// attempt is how long an answer is waited for. One that was lost with the
	// connection it was to take costs that much, and not all of the asker's time:
	// asked again under the same command id, it is found.
	attempt = 3 * time.Second
)

var (
	errMoved      = messages.Refuse(messages.CodeMoved, "the request was not carried out here")
	errUnknown    = messages.Refuse(messages.CodeOutcomeUnknown, "the node that was asked has not answered")
	errTimeout    = messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	errOverloaded = messages.Refuse(messages.CodeOverloaded, "too many requests are under way")
	errInternal   = messages.Refuse(messages.CodeInternal, "the request failed inside the cluster")
)

// calls are what this node has asked its peers and waits for. Whoever takes a
// call out of its shard ends it; nobody else does.
type calls struct {
	// base is the upper half of all call numbers, drawn at start: what was
	// meant for an earlier process at this address answers none of ours.
	base   uint64
	meter  Meter
	last   atomic.Uint32
	view   atomic.Pointer[View] // written by changed
	peers  sync.Map             // address → *peer
	shards [callShards]callShard
}

type callShard struct {
	mu      sync.Mutex
	waiting map[uint64]*waiting
}

// peer is a node as seen from here. Peers are kept for good: there are not more
// of them than addresses in the life of a process.
type peer struct {
	gate     *actor.PID
	inFlight atomic.Int64
	trouble  atomic.Pointer[trouble] // why it cannot be connected to; nil: it can; written by its line, read by callers
	silent   atomic.Bool             // it has not answered, and is asked from time to time whether it does
}

// trouble is why a peer cannot be connected to, and since when.
type trouble struct {
	error
	since time.Time
}

// waiting is a call that has not ended.
type waiting struct {
	peer     *peer
	left     bool               // given to the connection; under the shard's mu
	answered chan proto.Message // *messages.Answer or *messages.Error; has room for the one that comes
}

func newCalls(meter Meter) *calls {
	c := &calls{meter: meter, base: rand.Uint64() &^ (1<<32 - 1)}
	for i := range c.shards {
		c.shards[i].waiting = make(map[uint64]*waiting)
	}
	c.view.Store(&View{})
	return c
}

func (c *calls) peer(address string) *peer {
	if p, ok := c.peers.Load(address); ok {
		return p.(*peer)
	}
	p, _ := c.peers.LoadOrStore(address, &peer{gate: actor.NewPID(address, gateName)})
	return p.(*peer)
}

func (c *calls) shard(number uint64) *callShard { return &c.shards[number&(callShards-1)] }

// number is a new call's. Its lower half rides as the request id of a PID, where
// 0 would mean none.
func (c *calls) number() uint64 {
	low := c.last.Add(1)
	for low == 0 {
		low = c.last.Add(1)
	}
	return c.base | uint64(low)
}

// crowded reports whether the node has been asked as much as it may be, for now.
func (c *calls) crowded(to Node) bool {
	full := c.peer(to.Address).inFlight.Load() >= maxAsks
	if full {
		c.meter.Overloaded(QueuePeer)
	}
	return full
}

// begin registers a call to the node. A call that begin refuses is never sent.
func (c *calls) begin(to Node) (number uint64, w *waiting, err error) {
	p := c.peer(to.Address)
	if p.inFlight.Add(1) > maxInFlight {
		p.inFlight.Add(-1)
		c.meter.Overloaded(QueuePeer)
		return 0, nil, errOverloaded
	}
	number, w = c.number(), &waiting{peer: p, answered: make(chan proto.Message, 1)}
	s := c.shard(number)
	s.mu.Lock()
	s.waiting[number] = w
	s.mu.Unlock()
	// Looked at after the call was registered: whoever finds the peer gone from
	// now on, finds the call too.
	if now, ok := c.view.Load().Node(to.Name); !ok || now.Address != to.Address || p.trouble.Load() != nil {
		c.take(number)
		return 0, nil, errMoved
	}
	return number, w, nil
}

// take removes a call, so that it is the taker's to end. It is nil where another
// was first.
func (c *calls) take(number uint64) *waiting {
	s := c.shard(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[number]
	if w != nil {
		s.remove(number, w)
	}
	return w
}

func (s *callShard) remove(number uint64, w *waiting) { // under mu
	delete(s.waiting, number)
	w.peer.inFlight.Add(-1)
}

// wait brings what the call ends with: *messages.Answer or *messages.Error.
func (c *calls) wait(ctx context.Context, number uint64, w *waiting) proto.Message {
	over := time.NewTimer(attempt)
	defer over.Stop()
	end := errTimeout
	select {
	case m := <-w.answered:
		return m
	case <-over.C:
		end = errUnknown
	case <-ctx.Done():
	}
	if c.take(number) != nil {
		return end
	}
	return <-w.answered // who took it is about to say
}

// leaves notes that a call's message goes to the connection now. Not ok: it has
// ended, perhaps with the word that it was not carried out, so it must not go.
func (c *calls) leaves(low uint32) (ok bool) {
	number := c.base | uint64(low)
	s := c.shard(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[number]
	if w != nil {
		w.left = true
	}
	return w != nil
}

// fail ends the calls to an address: those that have not left as moved, the
// others as unknown.
func (c *calls) fail(address string) { c.failThose(address, true) }

// failUnsent ends, as moved, the calls to an address that have not left.
func (c *calls) failUnsent(address string) { c.failThose(address, false) }

func (c *calls) failThose(address string, alsoSent bool) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for number, w := range s.waiting {
			if w.peer.gate.Address != address || w.left && !alsoSent {
				continue
			}
			s.remove(number, w)
			if w.left {
				w.answered <- errUnknown
			} else {
				w.answered <- errMoved
			}
		}
		s.mu.Unlock()
	}
}

// changed takes a new view. What was asked of a node that is not in it any more,
// or in another incarnation, is not waited for.
func (c *calls) changed(v View) {
	before := c.view.Swap(&v)
	for _, was := range before.Nodes {
		if is, ok := v.Node(was.Name); !ok || is.Address != was.Address || !is.Started.Equal(was.Started) {
			c.fail(was.Address)
		}
	}
}

// expects reports whether a node of the view has the address.
func (c *calls) expects(address string) bool {
	for _, n := range c.view.Load().Nodes {
		if n.Address == address {
			return true
		}
	}
	return false
}

// SendUserMessage implements actor.Process: calls are the process to which
// answers are sent. The PID's request id is the lower half of the call's number.
func (c *calls) SendUserMessage(pid *actor.PID, message any) {
	_, m, sender := actor.UnwrapEnvelope(message)
	switch m := m.(type) {
	case *messages.Answer:
		c.answer(m, sender.GetAddress())
	case *actor.DeadLetterResponse: // there is no gate, so nothing was carried out
		if w := c.take(c.base | uint64(pid.GetRequestId())); w != nil {
			w.answered <- errMoved
		}
	}
}

// answer ends the call, if it was the answering peer that was asked.
func (c *calls) answer(m *messages.Answer, from string) {
	s := c.shard(m.GetCall())
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiting[m.GetCall()]; w != nil && w.peer.gate.Address == from {
		s.remove(m.GetCall(), w)
		w.answered <- m
	}
}

// SendSystemMessage ignores watches and the like.
func (c *calls) SendSystemMessage(*actor.PID, any) {}

// Stop is asked by nobody.
func (c *calls) Stop(*actor.PID) {}
