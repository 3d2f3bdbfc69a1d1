package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"atelier/actors/store"
	"atelier/cluster"
)

const (
	activeFor   = 5 * time.Minute  // after a request a user is active for so long
	reportEvery = 10 * time.Second // who was seen is told to the accounts' nodes
	reportUsers = 1000             // in one message
)

// activity knows which users had an authenticated request of late. Any node takes
// any request: who was seen is told, in rounds, to the node that owns his account,
// which alone counts him. So the nodes' numbers add up.
type activity struct {
	round atomic.Int64 // raised by the loop: who was noted in it is not noted again
	peers *peers       // nil: alone

	mu    sync.Mutex
	fresh map[string]struct{}  // seen here in this round
	seen  map[string]time.Time // by whichever node, and owned by this one at the time
}

func newActivity(p *peers) *activity {
	a := &activity{peers: p, fresh: make(map[string]struct{}), seen: make(map[string]time.Time)}
	a.round.Store(1)
	return a
}

// note takes down that a user had a request.
func (a *activity) note(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh[user] = struct{}{}
}

// told takes down users that other nodes have seen.
func (a *activity) told(users []string) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, user := range users {
		a.seen[user] = now
	}
}

// owner is the node that counts a user. It is empty for this one.
func (a *activity) owner(v cluster.View, user string) string {
	if owner, ok := v.Owner(string(store.Account), user); ok && owner.Name != v.Self {
		return owner.Name
	}
	return ""
}

// active is the number of active users whom this node counts. After nodes came or
// went it is too low for a while: the new owners have yet to hear of the users.
func (a *activity) active() (n int64) {
	now, v := time.Now(), a.view()
	a.mu.Lock()
	defer a.mu.Unlock()
	for user, at := range a.seen {
		if now.Sub(at) < activeFor && a.owner(v, user) == "" {
			n++
		}
	}
	for user := range a.fresh {
		if at, known := a.seen[user]; (!known || now.Sub(at) >= activeFor) && a.owner(v, user) == "" {
			n++
		}
	}
	return n
}

func (a *activity) view() cluster.View {
	if a.peers == nil {
		return cluster.View{}
	}
	return a.peers.caller.View()
}

// run tells what was seen, until ctx ends.
func (a *activity) run(ctx context.Context) {
	every(ctx, reportEvery, func() { a.report(ctx) })
}

// report ends a round. Where a node cannot be told, it will be with the user's next
// request.
func (a *activity) report(ctx context.Context) {
	a.round.Add(1)
	a.mu.Lock()
	fresh := a.fresh
	a.fresh = make(map[string]struct{})
	for user, at := range a.seen {
		if time.Since(at) >= activeFor {
			delete(a.seen, user)
		}
	}
	a.mu.Unlock()
	v := a.view()
	by := make(map[string][]string)
	for user := range fresh {
		owner := a.owner(v, user)
		if by[owner] = append(by[owner], user); len(by[owner]) == reportUsers {
			a.tell(ctx, owner, by[owner])
			delete(by, owner)
		}
	}
	for owner, users := range by {
		a.tell(ctx, owner, users)
	}
}

func (a *activity) tell(ctx context.Context, node string, users []string) {
	if node == "" {
		a.told(users)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := a.peers.caller.Seen(ctx, node, users); err != nil {
		a.peers.log.Debug("a node was not told of active users", "peer", node, "error", err)
	}
}
