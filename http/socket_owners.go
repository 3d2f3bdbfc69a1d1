package http

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/identity"
	"atelier/messages"
)

// SocketLimits are how many sockets may be open on a node at one time; 0: any number.
type SocketLimits struct {
	User    int // of a user
	Address int // of an address, or a /64 network, whose users are not known
}

// owner is whose a socket is: a user's, or, until he has said who he is, the
// network's that it comes from.
type owner struct{ user, network string }

// comeAgain is when a network may have room again: its sockets are handshakes, as a
// rule, that are over in a moment.
const comeAgain = 5 * time.Second

// ownerOf is whose a socket will be.
func (s *Server) ownerOf(f *fiber.Ctx, p *party) owner {
	if p != nil {
		return owner{user: p.UserID}
	}
	return owner{network: identity.Network(s.address(f).String())}
}

// crowded refuses one more socket where its owner has as many as he may.
func (s *Server) crowded(o owner) error {
	s.sockets.mu.Lock()
	full := s.sockets.full(o)
	s.sockets.mu.Unlock()
	if !full {
		return nil
	}
	return s.refuseSocket(o)
}

// refuseSocket is why there is no room for one more.
func (s *Server) refuseSocket(o owner) error {
	if s.deps.Meter != nil {
		s.deps.Meter.Limited(BudgetSockets)
	}
	refused := messages.Refuse(messages.CodeRateLimited, "a user may have at most %d sockets open on a node", s.config.Sockets.User)
	if o.user == "" {
		refused = messages.Refuse(messages.CodeRateLimited, "an address may have at most %d sockets open on a node whose users are not known", s.config.Sockets.Address)
	}
	refused.RetryAfterMs = comeAgain.Milliseconds()
	return refused
}

// own has a socket count for the user who is on it from now on. It stays his, whoever
// else is on it later.
func (s *Server) own(sock *socket, p *party) error {
	t := s.sockets
	t.mu.Lock()
	defer t.mu.Unlock()
	if p == nil || sock.owner.user != "" {
		return nil
	}
	his := owner{user: p.UserID}
	if t.full(his) {
		return s.refuseSocket(his)
	}
	t.disown(sock)
	sock.owner = his
	t.owners[his]++
	return nil
}

// full reports whether an owner has as many sockets as he may. The lock is held.
func (t *sockets) full(o owner) bool {
	most := t.most.User
	if o.user == "" {
		most = t.most.Address
	}
	return most > 0 && t.owners[o] >= most
}

// disown takes a socket from its owner's. The lock is held.
func (t *sockets) disown(s *socket) {
	if t.owners[s.owner]--; t.owners[s.owner] <= 0 {
		delete(t.owners, s.owner)
	}
}
