package main

import (
	"context"
	"errors"
	"log/slog"
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

// Revoke implements actors.Barrier. It returns soon, and calls done later where a
// document takes long for what it is changed by.
func (b barrier) Revoke(marks []messages.Mark, done func()) {
	b.entities(marks)
	b.tokens.Revoke(marks)
	if b.lists != nil {
		b.lists.Revoke(marks)
	}
	late := b.sockets.Revoke(marks)
	if len(late) == 0 {
		done()
		return
	}
	go func() {
		b.fenceAll(late)
		done()
	}()
}

// fenceAll returns when nothing will be written to documents by grants that have ended.
func (b barrier) fenceAll(documents []string) {
	for _, id := range documents {
		b.log.Warn("a change is taking long whose right was revoked: its document is fenced", "document", id)
		_ = untilDone(context.Background(), func() error {
			ctx, cancel := context.WithTimeout(context.Background(), fenceTime)
			defer cancel()
			return b.fence(ctx, id)
		}) // which never ends without
	}
}

// Times of the barrier between nodes.
const (
	hangsAfter  = time.Second            // a node that has not answered by then is struck
	detourAfter = 350 * time.Millisecond // then others are asked to carry them there
	askAgain    = 100 * time.Millisecond // pause between attempts
	fenceTime   = 5 * time.Second        // for one
)

// clusterBarrier carries revocations to every node that holds a lease.
type clusterBarrier struct{ peers *peers }

// Revoke implements actors.Barrier. This node's part is done when it returns, the
// others' when done is called.
func (b clusterBarrier) Revoke(marks []messages.Mark, done func()) {
	b.peers.barrier.Revoke(marks, func() {
		go func() {
			b.peers.revokeElsewhere(marks)
			done()
		}()
	})
}

// revokeElsewhere returns when no other node answers by what was revoked. The
// nodes are those that may answer from memory now, after the change was
// committed: who may do so later asks the truth first, and finds the change.
func (p *peers) revokeElsewhere(marks []messages.Mark) {
	if !elsewhere {
		return
	}
	var nodes sync.WaitGroup
	for _, n := range p.trustedOthers() {
		nodes.Go(func() {
			if err := p.revokeAt(n.Name, marks); err != nil {
				p.log.Warn("a node does not take revocations and loses its lease", "peer", n.Name, "error", err)
				p.metrics.nodes.RevocationStrikes.Inc()
				p.strike(n)
			}
		})
	}
	nodes.Wait()
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
func (p *peers) revokeAt(node string, marks []messages.Mark) error {
	ctx, cancel := context.WithTimeout(context.Background(), hangsAfter)
	defer cancel()
	ways := make(chan error, 2)
	go func() { ways <- untilDone(ctx, func() error { return p.caller.Revoke(ctx, node, marks) }) }()
	detour := time.AfterFunc(detourAfter, func() {
		ways <- untilDone(ctx, func() error { return p.caller.RevokeThrough(ctx, node, marks) })
	})
	err := <-ways
	if err == nil || detour.Stop() {
		return err
	}
	return <-ways
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
