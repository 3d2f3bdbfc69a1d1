package actors

import (
	"context"
	"errors"
	"time"

	"atelier/actors/store"
	"atelier/messages"
)

// Peers are the other nodes of the cluster.
type Peers interface {
	// HandOver asks a node to let go of an entity, and returns nil once it has:
	// its activation there has stopped and the row names that node no longer.
	HandOver(ctx context.Context, node string, kind store.Kind, id string) error
}

// reserve is what a hand-over leaves of a claim's time to the claim that follows.
const reserve = 500 * time.Millisecond

// obtain claims the row for this node. A node that holds it is asked to hand it
// over, once: where that fails the answer is moved, and whoever asked for the
// entity asks again for as long as he has time.
func (s *spec[S]) obtain(ctx context.Context, id string) (store.Claimed[S], error) {
	node, peers := s.runtime.deps.Node, s.runtime.deps.Peers
	claimed, err := s.claimer.Claim(ctx, id, node)
	var moved *store.MovedError
	if peers == nil || !errors.As(err, &moved) {
		return claimed, err
	}
	deadline, _ := ctx.Deadline()
	asking, cancel := context.WithDeadline(ctx, deadline.Add(-reserve))
	defer cancel()
	began := time.Now()
	refusal := peers.HandOver(asking, moved.Node, s.name, id)
	s.runtime.deps.Meter.HandedOver(true, time.Since(began), refusal == nil)
	if refusal != nil {
		s.runtime.deps.Log.Debug("an entity was not handed over", "kind", s.name, "id", id, "node", moved.Node, "error", refusal)
		return claimed, err
	}
	return s.claimer.Claim(ctx, id, node)
}

// HandOver lets go of an entity for another node: when it returns nil its
// activation here has stopped, the flight in the air has landed and been
// answered, and the row names this node no longer. An entity that is not live
// may still be this node's by its row, which is then all there is to clear.
//
// No activation begins here meanwhile. One that had claimed the row before it is
// cleared would go on answering from memory, while others take the row as one
// that nobody holds.
func (r *Runtime) HandOver(ctx context.Context, kind store.Kind, id string) (err error) {
	k, ok := r.kinds[kind]
	if !ok {
		return messages.Missing("kind")
	}
	began := time.Now()
	defer func() { r.deps.Meter.HandedOver(false, time.Since(began), err == nil) }()
	all, lift := r.directory.bar(kind, id)
	defer lift()
	for _, at := range all {
		r.tell(at.pid, forget{})
	}
	for _, at := range all {
		select {
		case <-at.closed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return k.release(ctx, id, r.deps.Node)
}

// Keep ends the activations that this node does not own any more: what is asked for
// is handed over at once, the rest is let go of by and by. It returns when all of
// them have been told, or ctx ends. Their rows stay this node's until the new owners
// ask for them.
func (r *Runtime) Keep(ctx context.Context, owns func(kind store.Kind, id string) bool) {
	r.letGo(ctx.Done(), forget{}, func(at *slot) bool { return !owns(at.kind, at.id) })
}
