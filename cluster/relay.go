package cluster

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"atelier/messages"
)

// Where the network is cut between two nodes that both reach a third one, nobody is
// wrong, and no lease has to end: they ask each other through the third (partial
// partitions: Alfatafta, Alkhatib, Alquraan, Al-Kiswany, “Toward a Generic Fault
// Tolerance Technique for Partial Network Partitioning”, OSDI 2020).

const (
	silentAfter = 300 * time.Millisecond // without an answer; less says nothing
	detourAfter = time.Second            // without a connection: it may only be restarting
	probeEvery  = time.Second            // whether a silent node answers
)

// exchange asks a node, through another one while it is silent.
func (c *Caller) exchange(ctx context.Context, to Node, message func(number uint64) proto.Message) (proto.Message, error) {
	p := c.transport.calls.peer(to.Address)
	if p.cut() {
		if via, ok := c.relay(to); ok {
			return c.through(ctx, via, to, message)
		}
	}
	began := time.Now()
	m, err := c.transport.exchange(ctx, to, message)
	if err != nil && time.Since(began) > silentAfter && !messages.HasCode(err, messages.CodeMoved) {
		c.transport.silence(to, p)
	}
	return m, err
}

// cut reports whether there has been no talking to the peer for a while.
func (p *peer) cut() bool {
	t := p.trouble.Load()
	return p.silent.Load() || t != nil && time.Since(t.since) > detourAfter
}

// relay picks a node that may reach another one: any that this one reaches itself.
func (c *Caller) relay(to Node) (via Node, ok bool) {
	v := c.View()
	for _, i := range rand.Perm(len(v.Nodes)) {
		n := v.Nodes[i]
		if n.Name != v.Self && n.Name != to.Name && !n.Unmet && !c.transport.calls.peer(n.Address).cut() {
			return n, true
		}
	}
	return Node{}, false
}

// through has a node pass the request on.
func (c *Caller) through(ctx context.Context, via, to Node, message func(number uint64) proto.Message) (proto.Message, error) {
	request := message(0)
	b, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	pass := &messages.PassOn{Node: to.Name, Type: string(proto.MessageName(request)), Request: b, RemainingUs: attempt.Microseconds()}
	if deadline, ok := ctx.Deadline(); ok {
		pass.RemainingUs = min(pass.GetRemainingUs(), time.Until(deadline).Microseconds())
	}
	m, err := c.transport.exchange(ctx, via, func(number uint64) proto.Message {
		pass.Call = number
		return pass
	})
	if refusal, ok := m.(*messages.Error); ok && proto.Equal(refusal, errOlder) {
		return nil, errMoved // the one between does not know how to pass on
	}
	return m, err
}

// silence notes that a peer has not answered, and asks it until it does.
func (t *Transport) silence(to Node, p *peer) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.stopped || !p.silent.CompareAndSwap(false, true) {
		return
	}
	t.log.Warn("a node does not answer: others are asked to pass requests on", "peer", to.Name)
	t.probing.Go(func() { t.probe(to, p) })
}

// probe ends when the peer has answered, or is not in the view any more.
func (t *Transport) probe(to Node, p *peer) {
	defer p.silent.Store(false)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-t.quit:
			return
		}
		if n, ok := t.calls.view.Load().Node(to.Name); !ok || n.Address != to.Address {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), probeEvery)
		_, err := t.exchange(ctx, to, func(number uint64) proto.Message { return &messages.Count{Call: number} })
		cancel()
		if err == nil {
			t.log.Info("a node answers again", "peer", to.Name)
			return
		}
	}
}

// places are those that a request to pass on takes: the same as one for this node,
// so that here too orders are not kept out by what matters less.
func (g *Gate) places(request string) chan struct{} {
	switch request {
	case askType:
		return g.asked
	case watchType, pushType:
		return g.live
	default:
		return g.orders
	}
}

// passOn asks another node for a peer. What is asked is asked directly: nothing goes
// round in circles.
func (g *Gate) passOn(m *messages.PassOn) (proto.Message, error) {
	v := g.view()
	to, ok := v.Node(m.GetNode())
	if !ok || to.Name == v.Self {
		return nil, errMoved
	}
	request, err := read(m.GetType(), m.GetRequest())
	if r := routes[m.GetType()]; err != nil || r.to != gateName || m.GetType() == passOnType {
		g.log.Warn("a peer wants something passed on that this version does not know", "type", m.GetType(), "error", err)
		return nil, errOlder
	}
	ctx, cancel := g.within(min(time.Duration(m.GetRemainingUs())*time.Microsecond, attempt))
	defer cancel()
	return g.transport.exchange(ctx, to, func(number uint64) proto.Message {
		r := request.ProtoReflect()
		r.Set(r.Descriptor().Fields().ByNumber(callField), protoreflect.ValueOfUint64(number))
		return request
	})
}

// callField is the number of a call in every request to a gate.
const callField = 1

var (
	passOnType = string(proto.MessageName((*messages.PassOn)(nil)))
	askType    = string(proto.MessageName((*messages.Ask)(nil)))
	watchType  = string(proto.MessageName((*messages.Watch)(nil)))
	pushType   = string(proto.MessageName((*messages.Push)(nil)))
)
