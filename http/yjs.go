package http

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/http/ysync"
	"atelier/messages"
)

// Limits of a document's socket. A content that is read by a slow client is one frame,
// beside others.
var yjsLimits = socketLimits{message: messages.MaxDocument + messages.MaxSize, frames: 4096, bytes: messages.MaxDocument + 4<<20}

// tokenProtocol is a subprotocol that carries an access token: browsers can send none
// in a header.
const tokenProtocol = "atelier.token."

// tableYjs are the sockets of documents.
func (s *Server) tableYjs() {
	codes := []string{messages.CodeNotFound, messages.CodeForbidden, messages.CodeUnavailable, messages.CodeOverloaded}
	add(s, operation{ID: "openDocument", Method: "GET", Path: "/documents/{document_id}/yjs", Summary: "A document's socket, for y-websocket", Permission: onSocket, Status: 101,
		Codes: codes, credentials: documentCredentials}, s.openDocument)
	add(s, operation{ID: "openRoom", Method: "GET", Path: "/yjs/{document_id}", Summary: "The same, where y-websocket has /yjs as its server and the document as its room", Permission: onSocket, Status: 101,
		Codes: codes, credentials: documentCredentials}, s.openDocument)
	add(s, operation{ID: "openDocuments", Method: "GET", Path: "/hocuspocus", Summary: "A socket of many documents, for the provider of Hocuspocus. Who asks for one says so in his auth message", Permission: onSocket, Status: 101,
		Codes: codes, credentials: tokenCredentials}, s.openDocuments)
}

func documentCredentials(f *fiber.Ctx) socketCredentials {
	at := tokenCredentials(f)
	at.document = strings.ToLower(f.Params("document_id"))
	return at
}

func tokenCredentials(f *fiber.Ctx) socketCredentials {
	return socketCredentials{token: strings.TrimPrefix(offeredToken(f), tokenProtocol)}
}

// offeredToken is the subprotocol with a token. A browser wants it confirmed.
func offeredToken(f *fiber.Ctx) string {
	for _, p := range offered(f) {
		if strings.HasPrefix(p, tokenProtocol) {
			return p
		}
	}
	return ""
}

type socketInput struct {
	Ticket string `query:"ticket" maxLength:"400" doc:"Of POST /realtime/tickets, for this document"`
}

type openDocumentInput struct {
	documentInput
	socketInput
}

// openDocument is y-websocket's socket: one document, and its protocol as it is.
func (s *Server) openDocument(_ context.Context, c *call, in *openDocumentInput) (*result[none], error) {
	protocol, id := offeredToken(c.fiber), strings.ToLower(in.DocumentID)
	if err := s.foreign(c.fiber); err != nil {
		return nil, err
	}
	if c.refused != nil {
		return nil, s.turnAway(c.fiber, protocol, yjsLimits, c.refused)
	}
	who := c.party
	return nil, s.upgrade(c.fiber, who, protocol, yjsLimits, func(sock *socket) {
		if err := s.plain(sock, who, id); err != nil {
			closeFor(sock, err)
		}
	})
}

// plain runs a socket of y-websocket.
func (s *Server) plain(sock *socket, who *party, document string) error {
	ctx, cancel := within(attemptTime)
	defer cancel()
	if _, err := s.seat(ctx, sock, who); err != nil {
		return err
	}
	m, err := s.attach(ctx, sock, who, document, ysync.Plain(), func(_ *yjsMember, err error) { closeFor(sock, err) })
	if err != nil {
		return err
	}
	defer m.leave()
	sock.speaks(plainSpeaker{m})
	if who != nil && !who.until.IsZero() {
		defer time.AfterFunc(who.until.Sub(s.deps.Now()), func() { sock.cut(closeUnauthenticated, messages.CodeTokenExpired, nil) }).Stop()
	}
	for {
		b, err := binaryMessage(sock)
		if err != nil {
			return err
		}
		msg, err := ysync.Parse(b)
		if err == nil {
			err = m.handle(msg)
		}
		if err != nil {
			return err
		}
	}
}

// plainSpeaker speaks for a document of y-websocket.
type plainSpeaker struct{ *yjsMember }

// beat implements speaker: a provider that hears nothing comes again after 30 s, and one
// that is alone and says of nobody that he is there hears nothing. That nobody is said
// to be there changes nothing.
func (s plainSpeaker) beat() { s.send(s.wire.Awareness([]byte{0})) }

// move implements speaker: the protocol has no word for it.
func (plainSpeaker) move(time.Duration) {}

// binaryMessage is the next message of a document's socket.
func binaryMessage(sock *socket) ([]byte, error) {
	op, b, err := sock.receive()
	if err != nil {
		return nil, errEnded // it has begun to end
	}
	if op != opBinary {
		return nil, messages.Invalid("", "format", "a document's socket takes binary messages")
	}
	return b, nil
}

// attach gives a socket a document, as whoever is on it. Who comes is bound to the
// state that he shows to others.
func (s *Server) attach(ctx context.Context, sock *socket, who *party, document string, w ysync.Wire, end func(*yjsMember, error)) (*yjsMember, error) {
	project, err := (&documentInput{DocumentID: document}).project(ctx, s)
	if err != nil {
		return nil, nameless(who, err)
	}
	m := &yjsMember{
		document: document, who: who, wire: w, socket: sock, rooms: s.yjs, right: &hold{socket: sock, user: who.userID(), session: who.sessionID(), project: project},
		asks: newBucket(askRate, askBurst), looks: newBucket(askRate, askBurst), doubts: newBucket(askRate, askBurst), faults: newBucket(askRate, faultBurst), states: newBucket(stateRate, stateBurst),
	}
	m.freed.L = &m.mu
	m.end = func(err error) { end(m, err) }
	if who != nil {
		m.speaker.UserID = who.UserID
		users, err := s.deps.Queries.PublicUsers(ctx, []string{who.UserID})
		if err != nil {
			return nil, err
		}
		m.speaker.Name = users[who.UserID].GetName()
	}
	m.right.check, m.right.kept, m.right.lost = m.check, m.kept, func(err error) { m.end(s.whyLost(document, err)) }
	if err := s.holdings.enter(ctx, m.right); err != nil {
		return nil, nameless(who, err)
	}
	m.adopt()
	if err := s.yjs.join(ctx, m); err != nil {
		m.right.leave()
		return nil, err
	}
	return m, nil
}

// nameless tells who has not said his name, and may not see something, to say it.
func nameless(who *party, err error) error {
	if who == nil && messages.HasCode(err, messages.CodeNotFound) {
		return messages.Refuse(messages.CodeUnauthenticated, "the document is not one that everybody may see")
	}
	return err
}

// whyLost tells a right that was taken away from a document that is no more.
func (s *Server) whyLost(document string, err error) error {
	if !messages.HasCode(err, messages.CodeNotFound) {
		return err
	}
	ctx, cancel := within(attemptTime)
	defer cancel()
	if project, found := s.deps.Queries.DocumentProject(ctx, document); found == nil && project == "" {
		return err
	}
	return messages.Refuse(messages.CodeForbidden, "the right to see the document was taken away")
}

// closeFor closes a socket for a reason.
func closeFor(sock *socket, err error) {
	switch code, why := yjsClose(err); {
	case errors.Is(err, errEnded):
	case code == closeUnauthenticated, code == closeRevoked, code == closeNotFound:
		sock.cut(code, why, nil)
	default:
		sock.close(code, why)
	}
}

// yjsClose is how a socket ends, and what the client may read of it.
func yjsClose(err error) (code int, why string) {
	var refused *messages.Error
	switch {
	case errors.Is(err, errRoleChanged):
		return closeDraining, "what you may do has changed: come again"
	case errors.Is(err, ysync.ErrMalformed), messages.HasCode(err, messages.CodeValidationFailed):
		return closeBadFrame, err.Error()
	case errors.Is(err, ysync.ErrLimit):
		return closeTooLarge, err.Error()
	case errors.As(err, &refused) && refused.GetCode() != messages.CodeInternal:
		return closeCodeOf(err), refused.GetMessage()
	}
	return closeInternal, messages.CodeInternal
}
