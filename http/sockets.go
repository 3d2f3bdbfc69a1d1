package http

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"atelier/messages"
)

// Times and bounds of a node's sockets.
const (
	maxSockets = 50_000
	pingEvery  = 25 * time.Second
	slots      = int(pingEvery / time.Second) // each second a part of the sockets is asked for a sign of life

	moveEach  = 5 * time.Millisecond   // a node that goes sends its sockets away one after another,
	moveFirst = 100 * time.Millisecond // after a moment,
	moveMost  = 5 * time.Second        // and within this: else all would come to the others at once
)

// sockets are the open ones of a node. One goroutine keeps them, from the first one
// until stop: it sends heartbeats and looks at the node's lease.
type sockets struct {
	holdings *Holdings
	log      *slog.Logger
	most     SocketLimits
	arriving capacity // of messages on their way to who takes them

	mu      sync.Mutex
	owners  map[owner]int // how many of the open ones each has
	closed  map[int]int64 // by code
	wheel   [slots]map[*socket]struct{}
	open    int
	next    int // slot
	moving  bool
	keeping bool
	once    sync.Once
	quit    chan struct{} // closed by stop
	gone    sync.WaitGroup
	keeper  sync.WaitGroup
}

func newSockets(h *Holdings, most SocketLimits, log *slog.Logger) *sockets {
	return &sockets{holdings: h, most: most, arriving: capacity{most: arrivingMost}, log: log, owners: make(map[owner]int), closed: make(map[int]int64), quit: make(chan struct{})}
}

// takesSockets refuses another socket where the node goes, or has no room.
func (s *Server) takesSockets() error {
	if s.draining.Load() {
		return messages.Refuse(messages.CodeUnavailable, "the node is shutting down: come again, to another one")
	}
	if s.Sockets() >= maxSockets {
		return messages.Refuse(messages.CodeOverloaded, "the node has as many sockets as it takes")
	}
	return nil
}

// Sockets is the number of open sockets.
func (s *Server) Sockets() int64 {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	return int64(s.sockets.open)
}

// SocketsClosed is how many sockets have ended, by close code.
func (s *Server) SocketsClosed() map[int]int64 {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	return maps.Clone(s.sockets.closed)
}

// serve runs a socket until it has ended.
func (t *sockets) serve(s *socket, run func(*socket)) {
	if code, why := t.add(s); code != 0 {
		s.close(code, why)
		s.end()
		return
	}
	defer t.remove(s)
	defer func() {
		if r := recover(); r != nil {
			t.log.Error("a socket panicked", "panic", r, "stack", string(debug.Stack()))
			s.abort(closeInternal)
		}
	}()
	run(s)
	s.end()
}

// add counts a socket, or says why there is no room for it: 0 where there is.
func (t *sockets) add(s *socket) (code int, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.moving:
		return closeDraining, "the node is shutting down"
	case t.full(s.owner) && s.owner.user == "": // others of the network came at the same moment
		return closeDraining, messages.CodeRateLimited
	case t.full(s.owner):
		return closeAbuse, messages.CodeRateLimited
	}
	if !t.keeping {
		t.keeping = true
		t.keeper.Go(t.keep)
	}
	s.slot, t.next = t.next, (t.next+1)%slots
	if t.wheel[s.slot] == nil {
		t.wheel[s.slot] = make(map[*socket]struct{})
	}
	t.wheel[s.slot][s] = struct{}{}
	t.open++
	t.owners[s.owner]++
	t.gone.Add(1)
	return 0, ""
}

func (t *sockets) remove(s *socket) {
	t.holdings.leaveAll(s)
	t.mu.Lock()
	delete(t.wheel[s.slot], s)
	t.open--
	t.disown(s)
	t.closed[s.ended()]++
	t.mu.Unlock()
	t.gone.Done()
}

// keep is the keeper.
func (t *sockets) keep() {
	const ticks = int(time.Second / leaseLook)
	tick := time.NewTicker(leaseLook)
	defer tick.Stop()
	for n := 0; ; n = (n + 1) % (slots * ticks) {
		select {
		case <-t.quit:
			return
		case <-tick.C:
		}
		t.holdings.look()
		if n%ticks == 0 {
			for _, s := range t.inSlot(n / ticks) {
				s.ping()
				if by := s.spokenFor(); by != nil {
					by.beat()
				}
			}
		}
	}
}

func (t *sockets) inSlot(slot int) (all []*socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.wheel[slot] {
		all = append(all, s)
	}
	return all
}

// leave sends all sockets away, one after another, and takes no more. It does not
// wait.
func (t *sockets) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.moving {
		return
	}
	t.moving = true
	window := min(moveMost, time.Duration(t.open)*moveEach)
	for _, part := range t.wheel {
		for s := range part {
			after := moveFirst + time.Duration(rand.Int64N(int64(window)+1))
			if by := s.spokenFor(); by != nil {
				by.move(after)
			}
			time.AfterFunc(after, func() { s.close(closeDraining, "the node is shutting down") })
		}
	}
}

// stop waits until all that were sent away have gone, or ctx ends, and ends the rest.
func (t *sockets) stop(ctx context.Context) {
	t.leave()
	gone := make(chan struct{})
	go func() {
		t.gone.Wait()
		close(gone)
	}()
	ctx, cancel := context.WithTimeout(ctx, moveFirst+moveMost+closeTime)
	defer cancel()
	select {
	case <-gone:
	case <-ctx.Done():
		for slot := range slots {
			for _, s := range t.inSlot(slot) {
				s.abort(closeDraining)
			}
		}
		<-gone
	}
	t.once.Do(func() { close(t.quit) })
	t.keeper.Wait()
}
