package http

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"atelier/messages"
)

// Tickets let browsers without cookies open sockets, whose requests can have no
// header of theirs: they go into a URL, where no access token may be. One for the
// event channel lets in once; one for a document lets in for that document alone, as
// often as its provider comes back.
const (
	ticketLife         = 30 * time.Second
	documentTicketLife = 15 * time.Minute
	ticketKept         = time.Minute // beyond its end, that it was used: clocks of nodes differ
)

// tickets remember which were used.
type tickets interface {
	// UseTicket reports whether nobody has used it before, on whatever node.
	UseTicket(ctx context.Context, id string, expires time.Time) (first bool, err error)
}

// ticket is what a ticket says. Its text is that, and an HMAC-SHA256 over it.
type ticket struct {
	id       string
	user     string
	session  string
	document string    // empty: it is for the event channel
	expires  time.Time // the ticket
	until    time.Time // the token that it was made by; zero: it was a cookie, which is renewed unseen
}

const (
	ticketForm = 1 // the first byte: of what follows
	ticketSize = 1 + 4*16 + 2*8
)

func (s *Server) sealTicket(t *ticket) string {
	b := append(make([]byte, 0, ticketSize+sha256.Size), ticketForm)
	for _, id := range []string{t.id, t.user, t.session, t.document} {
		raw, _ := messages.ParseUUID(id) // zero where it is empty
		b = append(b, raw[:]...)
	}
	for _, at := range []time.Time{t.expires, t.until} {
		b = binary.BigEndian.AppendUint64(b, uint64(messages.Micros(at)))
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.signTicket(b)...))
}

func (s *Server) signTicket(b []byte) []byte {
	mac := hmac.New(sha256.New, s.config.TicketKey)
	mac.Write([]byte("ticket|"))
	mac.Write(b)
	return mac.Sum(nil)
}

// openTicket reads a ticket that has not expired.
func (s *Server) openTicket(text string) (*ticket, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != ticketSize+sha256.Size || b[0] != ticketForm || !hmac.Equal(s.signTicket(b[:ticketSize]), b[ticketSize:]) {
		return nil, messages.Refuse(messages.CodeInvalidToken, "the ticket is not valid")
	}
	at := func(i int) (id string) {
		if raw := [16]byte(b[1+16*i : 17+16*i]); raw != [16]byte{} {
			id = messages.FormatUUID(raw)
		}
		return id
	}
	when := func(i int) time.Time { return messages.Time(int64(binary.BigEndian.Uint64(b[1+4*16+8*i:]))) }
	t := &ticket{id: at(0), user: at(1), session: at(2), document: at(3), expires: when(0), until: when(1)}
	if !s.deps.Now().Before(t.expires) {
		return nil, messages.Refuse(messages.CodeLinkExpired, "the ticket has expired: ask for a new one")
	}
	return t, nil
}

// redeem uses a ticket: for the event channel where document is empty.
func (s *Server) redeem(ctx context.Context, text, document string) (*ticket, error) {
	t, err := s.openTicket(text)
	if err != nil {
		return nil, err
	}
	if t.document != document {
		return nil, messages.Refuse(messages.CodeInvalidToken, "the ticket is for something else")
	}
	if document != "" {
		return t, nil
	}
	first, err := s.deps.Tickets.UseTicket(ctx, t.id, t.expires.Add(ticketKept))
	if err == nil && !first {
		err = messages.Refuse(messages.CodeLinkExpired, "the ticket was used before: ask for a new one")
	}
	return t, err
}

type createTicketInput struct {
	Body struct {
		Document idText `json:"document,omitempty" format:"uuid" doc:"The document whose sockets it opens; without it the event channel, once"`
	}
}

type ticketBody struct {
	Ticket    string `json:"ticket"`
	ExpiresAt string `json:"expires_at" format:"date-time"`
}

func (s *Server) createTicket(ctx context.Context, c *call, in *createTicketInput) (*result[ticketBody], error) {
	life, document := ticketLife, string(in.Body.Document)
	if document != "" {
		life = documentTicketLife
		if _, err := (&documentInput{document}).grant(ctx, s, c, false); err != nil {
			return nil, err
		}
	}
	t := &ticket{
		id: uuid.NewString(), user: c.principal.UserID, session: c.principal.SessionID, document: document,
		expires: s.deps.Now().Add(life).Truncate(time.Microsecond),
	}
	if !c.byCookie {
		t.until = c.principal.Expires
	}
	return ok(&ticketBody{Ticket: s.sealTicket(t), ExpiresAt: messages.FormatTime(t.expires)})
}
