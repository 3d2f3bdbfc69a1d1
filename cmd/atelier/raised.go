package main

import (
	"context"
	"sync"
	"time"

	"atelier/actors/store"
	httpd "atelier/http"
	"atelier/messages"
)

const (
	raisedWaiting = 4096
	raisedAtOnce  = 256
	raisedTime    = time.Second // for another node to be told
)

// raised has open sockets ask what they may do when that may be more than before.
// Nothing waits for it, as replies do for revocations: it is told once to the nodes that
// are seen, and where that fails a client finds out by trying.
type raised struct {
	sockets *httpd.Holdings
	peers   *peers // nil: alone
	marks   chan messages.Mark
}

func newRaised(sockets *httpd.Holdings, p *peers) *raised {
	return &raised{sockets: sockets, peers: p, marks: make(chan messages.Mark, raisedWaiting)}
}

// Committed implements actors.Hints.
func (r *raised) Committed(_ store.Kind, id string, events []messages.Event) {
	for _, e := range events {
		for _, m := range messages.RaisedMarks(e, id) {
			select {
			case r.marks <- m:
			default:
			}
		}
	}
}

// run tells of what was raised, until ctx ends.
func (r *raised) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-r.marks:
			marks := []messages.Mark{m}
			for len(marks) < raisedAtOnce && len(r.marks) > 0 {
				marks = append(marks, <-r.marks)
			}
			r.tell(ctx, marks)
		}
	}
}

func (r *raised) tell(ctx context.Context, marks []messages.Mark) {
	r.sockets.Revoke(marks)
	if r.peers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, raisedTime)
	defer cancel()
	var nodes sync.WaitGroup
	v := r.peers.caller.View()
	for _, n := range v.Nodes {
		if n.Name != v.Self {
			nodes.Go(func() { _, _ = r.peers.caller.Revoke(ctx, n.Name, marks) })
		}
	}
	nodes.Wait()
}
