package http

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"atelier/http/ysync"
	"atelier/messages"
)

// Bounds of a Hocuspocus socket.
const (
	maxDocuments = 128                                   // on one socket
	maxSeats     = 16                                    // sessions that one socket serves, one after another
	maxFirst     = messages.MaxUpdate + messages.MaxSize // bytes of a message, until a document's client is let in
	maxWaiting   = 64                                    // messages of a document whose client has not been let in
	maxWaits     = 4 << 20                               // bytes of those of all such documents of a socket
	maxDenials   = 32                                    // after so many the client has to come again
	emptyTime    = 30 * time.Second                      // a socket that was let in to no document ends
	deniedTime   = 5 * time.Minute                       // one whose user is known, and was not let in: his provider would come again at once
	askBefore    = 15 * time.Second                      // a token expires the client is asked for another
)

// hocuspocus is a socket of the Hocuspocus protocol: many documents, each of which
// begins with an auth message. Its reader alone lets documents in.
type hocuspocus struct {
	server  *Server
	socket  *socket
	who     *party              // by the request; nil: nobody has said
	refused error               // why who made the request is nobody
	seated  map[string]struct{} // sessions whose right the socket has; empty: nobody's
	denials int
	known   atomic.Bool // somebody has said who he is, and was denied a document
	waits   int         // bytes of what waits for documents to be let in

	mu        sync.Mutex // of what follows
	documents map[string]*hocuspocusDocument
	empty     *time.Timer // runs until one is let in, and when there are none any more
}

// hocuspocusDocument is a document on a socket, or about to be.
type hocuspocusDocument struct {
	key     string
	waiting []ysync.Message // for it to be let in; the reader's

	// Guarded by the socket's lock.
	member *yjsMember    // nil: not let in yet
	timers []*time.Timer // that ask for a new token, and end it without
}

// openDocuments is the socket of Hocuspocus's provider. Credentials of the request
// serve those who send an empty token.
func (s *Server) openDocuments(_ context.Context, c *call, _ *struct{}) (*result[none], error) {
	if err := s.foreign(c.fiber); err != nil {
		return nil, err
	}
	limits := yjsLimits
	limits.message = maxFirst
	h := &hocuspocus{server: s, who: c.party, refused: c.refused, documents: make(map[string]*hocuspocusDocument), seated: make(map[string]struct{})}
	return nil, s.upgrade(c.fiber, c.party, offeredToken(c.fiber), limits, func(sock *socket) {
		h.socket = sock
		if err := h.run(); err != nil {
			closeFor(sock, err)
		}
	})
}

func (h *hocuspocus) run() error {
	ctx, cancel := within(attemptTime)
	defer cancel()
	if err := h.seat(ctx, h.who); err != nil {
		return err
	}
	h.empty = time.AfterFunc(emptyTime, func() { h.socket.close(closeNoHello, "no document was asked for") })
	defer h.leave()
	h.socket.speaks(h)
	for {
		b, err := binaryMessage(h.socket)
		if err != nil {
			return err
		}
		msg, err := ysync.ParseEnvelope(b)
		if err == nil {
			err = h.take(msg)
		}
		if err != nil {
			return err
		}
	}
}

// patience is how long the socket may be without documents.
func (h *hocuspocus) patience() time.Duration {
	if h.known.Load() {
		return deniedTime
	}
	return emptyTime
}

// beat implements speaker: a provider that was denied its document, and hears nothing,
// comes again after 30 s. What it hears is of no document.
func (h *hocuspocus) beat() {
	h.mu.Lock()
	denied := h.known.Load()
	for _, d := range h.documents {
		denied = denied && d.member == nil // such a provider goes on saying who is there
	}
	h.mu.Unlock()
	if denied {
		h.send([]byte{0, byte(ysync.Ping)})
	}
}

// move implements speaker: the protocol has no word for it.
func (h *hocuspocus) move(time.Duration) {}

// seat gives the socket the right of a session, unless it has it.
func (h *hocuspocus) seat(ctx context.Context, who *party) error {
	session := who.sessionID()
	if _, has := h.seated[session]; has {
		return nil
	}
	if len(h.seated) >= maxSeats {
		return messages.Refuse(messages.CodeRateLimited, "a socket serves at most %d sessions", maxSeats)
	}
	if _, err := h.server.seat(ctx, h.socket, who); err != nil {
		return err
	}
	h.seated[session] = struct{}{}
	return nil
}

// leave takes all documents off the socket, and waits for what was sent of them.
func (h *hocuspocus) leave() {
	h.mu.Lock()
	var gone sync.WaitGroup
	for _, d := range h.documents {
		gone.Go(h.removed(d))
	}
	h.documents = nil
	h.empty.Stop()
	h.mu.Unlock()
	gone.Wait()
}

// removed is what is still to be done with a document that is taken off. The lock is
// held.
func (h *hocuspocus) removed(d *hocuspocusDocument) (finish func()) {
	for _, t := range d.timers {
		t.Stop()
	}
	if d.member == nil {
		return func() {}
	}
	return d.member.leave
}

// take handles a message.
func (h *hocuspocus) take(msg ysync.Message) error {
	switch msg.Kind {
	case ysync.Ping:
		h.send(msg.Pong())
		return nil
	case ysync.Pong:
		return nil
	default: // of a document
	}
	d, m, err := h.document(msg.Key)
	switch {
	case err != nil:
		return err
	case msg.Kind == ysync.Auth:
		return h.admit(d, m, &msg)
	case msg.Kind == ysync.Close:
		h.waited(d)
		h.remove(d)
		return nil
	case m != nil:
		return h.tolerate(d, m.handle(msg))
	case len(d.waiting) >= maxWaiting, h.waits+len(msg.Payload) > maxWaits:
		return messages.Refuse(messages.CodeRateLimited, "little but a token is taken before it")
	}
	d.waiting = append(d.waiting, msg)
	h.waits += len(msg.Payload)
	return nil
}

// waited is what waits for a document to be let in, and does no longer.
func (h *hocuspocus) waited(d *hocuspocusDocument) (all []ysync.Message) {
	for _, msg := range d.waiting {
		h.waits -= len(msg.Payload)
	}
	all, d.waiting = d.waiting, nil
	return all
}

// tolerate lets one document end for what was wrong with its message.
func (h *hocuspocus) tolerate(d *hocuspocusDocument, err error) error {
	if err != nil && !errors.Is(err, ysync.ErrMalformed) {
		h.end(d, err)
		return nil
	}
	return err
}

// document is the one of a key, new where it is the first message of it.
func (h *hocuspocus) document(key string) (*hocuspocusDocument, *yjsMember, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.documents[key]
	if d == nil {
		if len(h.documents) >= maxDocuments {
			return nil, nil, messages.Refuse(messages.CodeRateLimited, "a socket has at most %d documents", maxDocuments)
		}
		d = &hocuspocusDocument{key: key}
		h.documents[key] = d
	}
	return d, d.member, nil
}

// remove takes a document off the socket. It reports whether it was on it, and the
// last one.
func (h *hocuspocus) remove(d *hocuspocusDocument) (was, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.documents[d.key] != d {
		return false, false
	}
	delete(h.documents, d.key)
	if len(h.documents) == 0 {
		h.empty.Reset(h.patience())
	}
	go h.removed(d)()
	return true, len(h.documents) == 0
}

func (h *hocuspocus) send(message []byte) {
	if !h.socket.send(frame{bytes: framed(opBinary, message)}) {
		h.socket.cut(closeSlow, "the client does not keep up", nil)
	}
}

// end ends a document: the client is told why, and when it was the last one the
// socket ends too. What may be better in a moment ends the socket, so that the client
// comes again.
func (h *hocuspocus) end(d *hocuspocusDocument, err error) {
	if errors.Is(err, errEnded) {
		return
	}
	code, why := yjsClose(err)
	if code >= closeInternal {
		h.socket.close(code, why)
		return
	}
	was, last := h.remove(d)
	if !was {
		return
	}
	w := ysync.Enveloped(d.key)
	denied, closed := framed(opBinary, w.Denied(reasonOf(err))), framed(opBinary, w.Closed(why))
	if last {
		h.socket.cut(code, why, append(denied, closed...))
		return
	}
	h.send(w.Denied(reasonOf(err)))
	h.send(w.Closed(why))
}

// reasonOf is what a client is told when it is not let in: the code of the problem.
func reasonOf(err error) string {
	if code := messages.CodeOf(err); code != "" {
		return code
	}
	return messages.CodeValidationFailed
}
