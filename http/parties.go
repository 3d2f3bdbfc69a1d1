package http

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/identity"
	"atelier/messages"
)

// party is who is on a socket.
type party struct {
	*identity.Principal
	until time.Time // then it needs another token, or its session ends
}

// userID is empty where nobody has said who he is.
func (p *party) userID() string {
	if p == nil {
		return ""
	}
	return p.UserID
}

func (p *party) sessionID() string {
	if p == nil {
		return ""
	}
	return p.SessionID
}

// signs puts the party's name under what it asks for; nobody has none.
func (p *party) signs(m *messages.Meta) *messages.Meta {
	if p != nil {
		m.Principal, m.SessionId, m.Roles = p.UserID, p.SessionID, p.Roles
	}
	return m
}

// foreign refuses pages of other sites: a browser opens their sockets with our
// cookies, whatever CORS says, and lets them read.
func (s *Server) foreign(f *fiber.Ctx) error {
	from := f.Get(fiber.HeaderOrigin)
	if from == "" || s.ours(f, from) || s.config.Origins[from] {
		return nil
	}
	return messages.Refuse(messages.CodeForbidden, "pages of %s may open no sockets here", shown(from))
}

// socketCredentials are where the credentials of a socket's request are, beside its
// headers and cookies.
type socketCredentials struct {
	token    string // an access token
	document string // for which a ticket must be; empty: the event channel
}

// meet finds out who opens a socket, if he says. A refusal is kept: the socket is
// opened all the same, and closed with what it says.
func (s *Server) meet(ctx context.Context, c *call) {
	if foreign := s.foreign(c.fiber); foreign != nil {
		return // the handler refuses it
	}
	var at socketCredentials
	if c.op.credentials != nil {
		at = c.op.credentials(c.fiber)
	}
	c.party, c.refused = s.presentsHimself(ctx, c, c.fiber.Query("ticket"), at.token, at.document)
	if c.party != nil {
		c.principal = c.party.Principal
	}
}

// presentsHimself finds out who opens a socket: by the Authorization header, by a
// ticket, by an access token that came in another way, or else by cookie. nil: he
// does not say. The document is the one that tickets must be for; empty: the event
// channel.
func (s *Server) presentsHimself(ctx context.Context, c *call, ticket, token, document string) (*party, error) {
	switch {
	case c.fiber.Get(fiber.HeaderAuthorization) != "":
		header, err := s.presented(c)
		if err != nil {
			return nil, err
		}
		return s.byToken(ctx, header)
	case ticket != "":
		return s.byTicket(ctx, ticket, document)
	case token != "":
		return s.byToken(ctx, token)
	}
	cookie := s.cookie(c.fiber, accessCookie)
	if cookie == "" {
		return nil, nil
	}
	p, err := s.byToken(ctx, cookie)
	if err == nil {
		p.until = p.Ends // its page renews the cookie, and cannot tell the socket
	}
	return p, err
}

func (s *Server) byToken(ctx context.Context, token string) (*party, error) {
	p, err := s.deps.Flows.Authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return &party{p, p.Expires}, nil
}

func (s *Server) byTicket(ctx context.Context, text, document string) (*party, error) {
	t, err := s.redeem(ctx, text, document)
	if err != nil {
		return nil, err
	}
	p, err := s.deps.Flows.Standing(ctx, t.user, t.session)
	if err != nil {
		return nil, err
	}
	if document != "" || t.until.IsZero() {
		return &party{p, p.Ends}, nil // its provider can bring no other token
	}
	return &party{p, t.until}, nil
}

// seat enters the right of a socket: that of a party's session, or nobody's. A socket
// must have one before it receives anything.
func (s *Server) seat(ctx context.Context, sock *socket, p *party) (*hold, error) {
	if err := s.own(sock, p); err != nil {
		return nil, err
	}
	h := &hold{socket: sock, user: p.userID(), session: p.sessionID()}
	if p != nil {
		h.check = func(ctx context.Context) error {
			_, err := s.deps.Flows.Standing(ctx, h.user, h.session)
			return err
		}
	}
	return h, s.holdings.enter(ctx, h)
}

// unopened refuses what cannot be bound. Where a socket was to be opened it is, and ends
// with what is wrong: a provider that cannot tell comes again for ever.
func (s *Server) unopened(c *call, refusal error) error {
	if c.op.Permission != onSocket || !names(&c.fiber.Request().Header, fiber.HeaderUpgrade, "websocket") {
		return refusal
	}
	if err := s.foreign(c.fiber); err != nil {
		return err
	}
	protocol := ""
	for _, offer := range offered(c.fiber) {
		if offer == protocolJSON || strings.HasPrefix(offer, tokenProtocol) {
			protocol = offer
			break
		}
	}
	return s.turnAway(c.fiber, protocol, channelLimits, refusal)
}

// turnAway answers a handshake that is refused: browsers show a page how a socket
// was closed, and not how its request was answered.
func (s *Server) turnAway(f *fiber.Ctx, protocol string, limits socketLimits, refusal error) error {
	refused := s.refusal(refusal, requestID(f))
	return s.upgrade(f, nil, protocol, limits, func(sock *socket) { sock.close(closeCodeOf(refused), refused.GetCode()) })
}
