package http

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"atelier/http/ysync"
	"atelier/messages"
)

// admit lets a document in by the token of its auth message, with what its client has
// sent meanwhile; or takes a new token for one that is there.
func (h *hocuspocus) admit(d *hocuspocusDocument, m *yjsMember, msg *ysync.Message) error {
	ctx, cancel := within(attemptTime)
	defer cancel()
	id, err := uuid.Parse(msg.Document())
	if err != nil {
		return h.deny(d, m, messages.Missing("document"))
	}
	who, err := h.identify(ctx, id.String(), msg.Token)
	if err == nil && m != nil && m.speaker.UserID != who.userID() {
		err = messages.Refuse(messages.CodeInvalidToken, "the token is somebody else's")
	}
	if err == nil {
		err = h.seat(ctx, who)
	}
	if err == nil && m == nil {
		m, err = h.server.attach(ctx, h.socket, who, id.String(), ysync.Enveloped(msg.Key), func(_ *yjsMember, err error) { h.end(d, err) })
	}
	if err != nil {
		h.known.Store(who != nil)
		return h.deny(d, m, err)
	}
	if !h.admitted(d, m, who) {
		return nil // it was taken away at once
	}
	h.socket.takes(yjsLimits.message)
	m.send(m.wire.Granted(m.scope()))
	for _, msg := range h.waited(d) {
		if err := h.tolerate(d, m.handle(msg)); err != nil {
			return err
		}
	}
	return nil
}

// identify finds out who sends a token: an access token, or a ticket of the document.
// An empty one is sent by who has said who he is with the request, or nobody.
func (h *hocuspocus) identify(ctx context.Context, document, token string) (*party, error) {
	switch {
	case token == "" && h.refused != nil:
		return nil, h.refused
	case token == "":
		return h.who, nil
	case strings.Contains(token, "."):
		return h.server.byToken(ctx, token)
	}
	return h.server.byTicket(ctx, token, document)
}

// deny tells the client that it is not let in. Where nobody could tell it comes again
// by itself, as it does after too many attempts.
func (h *hocuspocus) deny(d *hocuspocusDocument, m *yjsMember, err error) error {
	if !refusing(err) {
		return err
	}
	if h.denials++; h.denials > maxDenials {
		return err
	}
	if m != nil { // a new token that is not good ends what the old one began
		h.end(d, err)
		return nil
	}
	h.waited(d)
	h.remove(d)
	h.send(ysync.Enveloped(d.key).Denied(reasonOf(err)))
	return nil
}

// admitted puts a member in its place, and minds the time of its token: before it
// expires another is asked for, and when none has come by then the document ends. It
// reports false, and the member leaves, where its right is gone already.
func (h *hocuspocus) admitted(d *hocuspocusDocument, m *yjsMember, who *party) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.documents[d.key] != d {
		go m.leave()
		return false
	}
	d.member = m
	h.empty.Stop()
	for _, t := range d.timers {
		t.Stop()
	}
	d.timers = nil
	if who == nil || who.until.IsZero() {
		return true
	}
	left := who.until.Sub(h.server.deps.Now())
	d.timers = []*time.Timer{
		time.AfterFunc(max(left-askBefore, left/2), func() { h.send(ysync.Enveloped(d.key).AskToken()) }),
		time.AfterFunc(left, func() { h.end(d, messages.Refuse(messages.CodeTokenExpired, "the token has expired")) }),
	}
	return true
}
