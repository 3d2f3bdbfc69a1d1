package ysync

import (
	"bytes"
	"time"
)

// Times and limits of who is in a document. Clients renew their states every 15 s
// and forget those of others after 30 s.
const (
	stateLasts = 35 * time.Second
	graveLasts = 2 * time.Minute // what has gone is remembered, lest an echo brings it back
	lookEvery  = 5 * time.Second

	maxClients = 32     // of one connection: a browser's tabs speak for each other
	maxStates  = 10_000 // of one document, those that have gone included
)

// Speaker is a connection that says who is there. Its fields but the client's
// numbers do not change.
type Speaker struct {
	UserID, Name string // of the token; empty: nobody has signed in

	clients map[uint64]struct{} // that are its own
	spoke   bool
}

// Node is one that states come from.
type Node [16]byte

// Present is who is in a document, as one node knows it. A client belongs to the
// connection that used its number first, here or on another node, and nobody else
// changes its state.
type Present struct {
	clients map[uint64]*client
	graves  int                 // of clients, those that have gone
	changed map[uint64]struct{} // since Changed was asked
	looked  time.Time
}

type client struct {
	State
	here  *Speaker // nil: on another node, or gone
	node  Node     // where, if not here
	user  string
	since time.Time // when its state came
}

// NewPresent knows nobody.
func NewPresent() *Present {
	return &Present{clients: make(map[uint64]*client), changed: make(map[uint64]struct{})}
}

// Hear takes what a connection says. Of clients that are not its own it takes
// nothing: y-websocket repeats to the server what it hears from it.
func (p *Present) Hear(from *Speaker, states []byte, now time.Time) error {
	p.look(now)
	defer func() { from.spoke = true }()
	return EachState(states, func(s State) error {
		known := p.clients[s.Client]
		if known == nil && (s.JSON == nil || len(from.clients) >= maxClients || !p.room()) || known != nil && !known.yields(from, s) {
			return nil
		}
		if s.JSON != nil {
			var err error
			if s.JSON, err = bound(s.JSON, from.UserID, from.Name); err != nil {
				return err
			}
		}
		if known != nil {
			known.release()
		}
		if from.clients == nil {
			from.clients = make(map[uint64]struct{}, 1)
		}
		from.clients[s.Client] = struct{}{}
		p.put(&client{State: s, here: from, user: from.UserID, since: now})
		return nil
	})
}

// yields reports whether what a connection says replaces what is known. Of its own
// client a higher clock does, or the same for the last word. Another connection's it
// is only where the same user comes back before the old connection has ended, or
// after: what a client sends first is its own state, with the clock that it had.
func (c *client) yields(from *Speaker, s State) bool {
	later := s.Clock > c.Clock
	switch {
	case c.here == from:
		return later || s.Clock == c.Clock && s.JSON == nil && c.JSON != nil
	case s.JSON == nil:
		return false
	case from.UserID != "" && c.user == from.UserID:
		return later || s.Clock == c.Clock && !from.spoke
	}
	return later && c.JSON == nil
}

// release takes a client from the connection that it belongs to.
func (c *client) release() {
	if c.here != nil {
		delete(c.here.clients, c.Client)
		c.here = nil
	}
}

// room reports whether there is room for one more. Who is there goes before who has
// gone, or a client that comes again and again would keep others out.
func (p *Present) room() bool {
	if len(p.clients) < maxStates {
		return true
	}
	if p.graves == 0 {
		return false
	}
	for _, c := range p.clients {
		if c.JSON == nil {
			p.forget(c)
			break
		}
	}
	return true
}

func (p *Present) put(c *client) {
	if old := p.clients[c.Client]; old != nil && old.JSON == nil {
		p.graves--
	}
	if c.JSON == nil {
		p.graves++
	}
	p.clients[c.Client] = c
	p.changed[c.Client] = struct{}{}
}

// HearNode takes what another node says of its clients.
func (p *Present) HearNode(from Node, states []byte, now time.Time) error {
	p.look(now)
	return EachState(states, func(s State) error {
		known := p.clients[s.Client]
		if known == nil {
			if s.JSON != nil && p.room() {
				p.putElsewhere(from, s, owner(s.JSON), now)
			}
			return nil
		}
		if s.JSON == nil {
			if known.JSON != nil && known.node == from && known.here == nil {
				p.putElsewhere(from, s, known.user, now)
			}
			return nil
		}
		user := owner(s.JSON)
		switch {
		case known.here != nil && known.JSON != nil && known.user != user:
		case s.Clock > known.Clock, s.Clock == known.Clock && known.JSON == nil && known.node != from:
			known.release()
			p.putElsewhere(from, s, user, now)
		case s.Clock == known.Clock && known.JSON != nil: // it is known already, but perhaps not where
			known.release()
			known.node, known.since = from, now
		}
		return nil
	})
}

func (p *Present) putElsewhere(from Node, s State, user string, now time.Time) {
	s.JSON = bytes.Clone(s.JSON) // the message holds many
	p.put(&client{State: s, node: from, user: user, since: now})
}

// Leave takes a connection's clients away.
func (p *Present) Leave(from *Speaker, now time.Time) {
	for id := range from.clients {
		c := p.clients[id]
		if c.here = nil; c.JSON != nil {
			p.gone(c, now)
		}
	}
	from.clients = nil
}

// gone ends a state with the clock that it has, as y-protocols does.
func (p *Present) gone(c *client, now time.Time) {
	ended := *c
	ended.JSON, ended.since = nil, now
	p.put(&ended)
}

// forget forgets who has gone.
func (p *Present) forget(c *client) {
	c.release()
	delete(p.clients, c.Client)
	p.graves--
}

// look takes away, from time to time, who has not renewed his state.
func (p *Present) look(now time.Time) {
	if now.Sub(p.looked) < lookEvery {
		return
	}
	p.looked = now
	for _, c := range p.clients {
		switch silent := now.Sub(c.since); {
		case c.JSON != nil && silent > stateLasts:
			p.gone(c, now)
		case c.JSON == nil && silent > graveLasts:
			p.forget(c)
		}
	}
}

// Changed are the states that have changed since it was asked: of all, and of those
// who are on this node.
func (p *Present) Changed() (all, here []State) {
	for id := range p.changed {
		c := p.clients[id]
		if c == nil {
			continue
		}
		all = append(all, c.State)
		if c.node == (Node{}) {
			here = append(here, c.State)
		}
	}
	clear(p.changed)
	return all, here
}

// All are the states of everyone.
func (p *Present) All(now time.Time) []State {
	p.look(now)
	return p.states(func(*client) bool { return true })
}

// Here are the states of this node's connections.
func (p *Present) Here() []State { return p.states(func(c *client) bool { return c.node == Node{} }) }

func (p *Present) states(which func(*client) bool) (found []State) {
	for _, c := range p.clients {
		if c.JSON != nil && which(c) {
			found = append(found, c.State)
		}
	}
	return found
}
