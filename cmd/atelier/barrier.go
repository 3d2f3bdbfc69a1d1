package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	httpd "atelier/http"
	"atelier/identity/token"
	"atelier/messages"
)

// barrier takes revocations to what hangs on them on this node: live session
// entities first, then the tokens that were validated through them, and open sockets
// last, which ask both.
type barrier struct {
	tokens   *token.Cache[checked]
	entities func([]messages.Mark)
	lists    *floor // of replicas; nil: there are none
	sockets  *httpd.Holdings
	fence    func(ctx context.Context, document string) error
	log      *slog.Logger
}

// Revoke implements actors.Barrier.
func (b barrier) Revoke(marks []messages.Mark, done func()) {
	if late := b.here(marks); len(late) > 0 {
		go func() {
			b.fenceAll(late)
			done()
		}()
		return
	}
	done()
}

// here takes revocations to what hangs on them. It returns within a second, with the
// documents that are late with a change.
func (b barrier) here(marks []messages.Mark) (late []string) {
	b.entities(marks)
	b.tokens.Revoke(marks)
	if b.lists != nil {
		b.lists.Revoke(marks)
	}
	return b.sockets.Revoke(marks)
}

// fenceAll returns when nothing will be written to documents by grants that have ended.
func (b barrier) fenceAll(documents []string) {
	ctx, cancel := context.WithTimeout(context.Background(), fenceMost)
	defer cancel()
	var fencing sync.WaitGroup
	for _, id := range documents {
		b.log.Warn("a change takes long whose right was revoked: its document is fenced", "document", id)
		fencing.Go(func() {
			if err := untilDone(ctx, func() error { return b.fence(ctx, id) }); err != nil {
				b.log.Error("a document could not be fenced: a change whose right was revoked may yet be written", "document", id, "error", err)
			}
		})
	}
	fencing.Wait()
}

// Times of the barrier between nodes.
const (
	hangsAfter  = time.Second            // a node that has not answered by then is struck
	detourAfter = 350 * time.Millisecond // then others are asked to carry them there
	askAgain    = 100 * time.Millisecond // pause between attempts
	fenceMost   = 30 * time.Second       // nobody waits longer for the reply
)

// clusterBarrier carries revocations to every node that holds a lease.
type clusterBarrier struct{ peers *peers }

// Revoke implements actors.Barrier. This node's part is done when it returns, but for
// documents that are late; that of the others when done is called.
func (b clusterBarrier) Revoke(marks []messages.Mark, done func()) {
	late := b.peers.barrier.here(marks)
	go func() {
		late = append(late, b.peers.revokeElsewhere(marks)...)
		slices.Sort(late)
		b.peers.barrier.fenceAll(slices.Compact(late))
		done()
	}()
}

// revokeElsewhere returns when no other node answers by what was revoked, with the
// documents that are late with a change. The nodes are those that may answer from memory
// now, after the change was committed: who may do so later asks the truth first, and finds
// the change.
func (p *peers) revokeElsewhere(marks []messages.Mark) (late []string) {
	if !elsewhere {
		return nil
	}
	var nodes sync.WaitGroup
	var mu sync.Mutex // of late
	for _, n := range p.trustedOthers() {
		nodes.Go(func() {
			there, err := p.revokeAt(n.Name, marks)
			if err != nil {
				p.log.Warn("a node does not take revocations and loses its lease", "peer", n.Name, "error", err)
				p.metrics.nodes.RevocationStrikes.Inc()
				p.strike(n)
			}
			mu.Lock()
			defer mu.Unlock()
			late = append(late, there...)
		})
	}
	nodes.Wait()
	return late
}

// trustedOthers asks until the database answers: the reply waits for the barrier.
// A node that is not exclusive is none of them. It has given that up before the
// database was told, verifies all that it answers, and what it found out before
// it is exclusive again counts for nothing then.
func (p *peers) trustedOthers() []messages.LeasedNode {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), hangsAfter)
		live, err := p.leases.Live(ctx, p.settings.ClusterName)
		cancel()
		if err == nil {
			var others []messages.LeasedNode
			for _, n := range live {
				if n.Name != p.node && n.Exclusive {
					others = append(others, n)
				}
			}
			return others
		}
		time.Sleep(askAgain)
	}
}

// revokeAt returns once the node has taken the revocations, from this one or by way
// of another: the network may be cut between the two alone.
func (p *peers) revokeAt(node string, marks []messages.Mark) (late []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), hangsAfter)
	defer cancel()
	type answer struct {
		late []string
		err  error
	}
	ways := make(chan answer, 2)
	ask := func(revoke func(context.Context, string, []messages.Mark) ([]string, error)) {
		var a answer
		a.err = untilDone(ctx, func() (err error) { a.late, err = revoke(ctx, node, marks); return err })
		ways <- a
	}
	go ask(p.caller.Revoke)
	detour := time.AfterFunc(detourAfter, func() { ask(p.caller.RevokeThrough) })
	defer detour.Stop()
	a := <-ways
	if a.err != nil && !detour.Stop() {
		a = <-ways
	}
	return a.late, a.err
}

// untilDone tries until ctx ends.
func untilDone(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(askAgain):
		}
	}
}

// strike takes a node's lease and waits until it has ended.
func (p *peers) strike(n messages.LeasedNode) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), hangsAfter)
		_ = p.leases.Strike(ctx, n.Name, n.Incarnation) // asked again with the next round
		cancel()
		held := false
		for _, other := range p.trustedOthers() {
			held = held || other.Name == n.Name && other.Incarnation == n.Incarnation
		}
		if !held {
			return
		}
		time.Sleep(askAgain)
	}
}
