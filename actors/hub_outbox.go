package actors

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

const (
	maxOutbox     = 8192      // things that wait for one node
	maxOutboxSize = 4 << 20   // their bytes
	maxPush       = 256 << 10 // bytes sent together
	pushTimeout   = 3 * time.Second
)

// outbox is what waits to be sent to one node. One message is under way at a time:
// what comes meanwhile leaves together with the next, and a node that is slow has
// things left out, not piled up.
type outbox struct {
	hub  *Hub
	node string

	mu      sync.Mutex
	waiting []sized
	size    int                      // of all that waits
	heads   map[messages.Topic]int64 // of what was left out
	sending bool
}

// sized is something that waits, and its bytes.
type sized struct {
	*messages.Pushed
	size int
}

func (h *Hub) outbox(node string) *outbox {
	if o, ok := h.peers.Load(node); ok {
		return o.(*outbox)
	}
	o, _ := h.peers.LoadOrStore(node, &outbox{hub: h, node: node, heads: make(map[messages.Topic]int64)})
	return o.(*outbox)
}

// add lets something be sent. It never blocks. Where there is no place, it is left
// out but for the position, from which the other node finds that something is
// missing.
func (o *outbox) add(p *messages.Pushed) {
	size := proto.Size(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) >= maxOutbox || o.size+size > maxOutboxSize {
		o.leaveOut(p)
	} else {
		o.waiting, o.size = append(o.waiting, sized{p, size}), o.size+size
	}
	if !o.sending {
		o.sending = o.hub.goDo(o.run)
	}
}

// leaveOut keeps of something no more than its position; under mu.
func (o *outbox) leaveOut(p *messages.Pushed) {
	o.hub.counts.dropped.Add(1)
	if name := (messages.Topic{Kind: p.GetKind(), ID: p.GetId()}); p.GetHead() > o.heads[name] && (len(o.heads) < maxOutbox || o.heads[name] > 0) {
		o.heads[name] = p.GetHead()
	}
}

// run sends until nothing waits.
func (o *outbox) run() {
	for {
		p := o.next()
		if p == nil {
			return
		}
		ctx, cancel := o.hub.within(pushTimeout)
		err := o.hub.others.Push(ctx, o.node, p)
		cancel()
		o.hub.counts.pushes.Add(1)
		if err != nil {
			o.failed(err)
		}
	}
}

// next is the message that leaves now; nil: nothing waits.
func (o *outbox) next() *messages.Push {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 && len(o.heads) == 0 {
		o.sending, o.waiting = false, nil
		return nil
	}
	p, size := &messages.Push{Node: o.hub.node}, 0
	for _, one := range o.waiting {
		if size > 0 && size+one.size > maxPush {
			break
		}
		p.Pushed, size = append(p.Pushed, one.Pushed), size+one.size
	}
	o.waiting, o.size = o.waiting[len(p.GetPushed()):], o.size-size
	for name, head := range o.heads {
		if len(p.GetPushed()) >= maxOutbox/2 {
			break
		}
		p.Pushed = append(p.Pushed, &messages.Pushed{Kind: name.Kind, Id: name.ID, Head: head})
		delete(o.heads, name)
	}
	return p
}

// failed leaves out all that waits: the node finds it in the log. It may not be
// there any more, or not know what it is sent.
func (o *outbox) failed(err error) {
	o.hub.counts.dropped.Add(1)
	if closed(o.hub.done) {
		return
	}
	o.hub.logger.Debug("a node was not told what happened", "peer", o.node, "error", err)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hub.counts.dropped.Add(int64(len(o.waiting)))
	o.waiting, o.size = nil, 0
	clear(o.heads)
}

// waiting is how many things wait to be sent, to all nodes.
func (h *Hub) waiting() (n int) {
	h.peers.Range(func(_, o any) bool {
		of := o.(*outbox)
		of.mu.Lock()
		defer of.mu.Unlock()
		n += len(of.waiting) + len(of.heads)
		return true
	})
	return n
}
