package account

import (
	"strings"
	"time"

	"atelier/messages"
)

// Lifetimes of one-time links.
const (
	VerifyLife = 24 * time.Hour
	ResetLife  = time.Hour
	InviteLife = 7 * 24 * time.Hour // to a user whom an administrator made
	ChangeLife = 24 * time.Hour     // of a change of address
)

// noticeLife is for how long a mail without a link is tried.
const noticeLife = 24 * time.Hour

// Links are the one-time links that are good at the moment, one for each purpose:
// a new one voids the one before. The zero value of each is none.
type Links struct {
	Verify Link        `json:"verify,omitzero"`
	Reset  Link        `json:"reset,omitzero"`
	Email  EmailChange `json:"email,omitzero"`
}

// Link is a one-time link, known by its id.
type Link struct {
	ID      string `json:"id"`
	Expires int64  `json:"expires"` // microseconds since the epoch
}

// good reports whether a link that was presented is this one.
func (l Link) good(id string, now time.Time) bool {
	return l.ID != "" && l.ID == id && now.Before(messages.Time(l.Expires))
}

// EmailChange is a change of the address that both addresses have to confirm.
type EmailChange struct {
	Email   string `json:"email"` // normalised
	Typed   string `json:"typed"`
	Old     Link   `json:"old"` // without an id once it was used
	New     Link   `json:"new"`
	Expires int64  `json:"expires"`
}

// apply changes the links by an event.
func (l *Links) apply(e messages.Event) {
	switch e := e.(type) {
	case *messages.LinkIssued:
		link := Link{ID: e.GetLinkId(), Expires: e.GetExpiresAt()}
		switch e.GetPurpose() {
		case messages.LinkVerify:
			l.Verify = link
		case messages.LinkReset:
			l.Reset = link
		}
	case *messages.EmailChangeBegun:
		l.Email = EmailChange{
			Email: e.GetEmail(), Typed: e.GetTypedEmail(), Expires: e.GetExpiresAt(),
			Old: Link{ID: e.GetLinkId(), Expires: e.GetExpiresAt()}, New: Link{ID: e.GetNewLinkId(), Expires: e.GetExpiresAt()},
		}
	case *messages.EmailConfirmed:
		switch e.GetLinkId() {
		case l.Email.Old.ID:
			l.Email.Old = Link{}
		case l.Email.New.ID:
			l.Email.New = Link{}
		}
	}
}

// issue makes a link and queues the mail that carries it.
func (s *State) issue(purpose, kind, id string, life time.Duration, now time.Time) []messages.Event {
	expires := messages.Micros(now.Add(life))
	return []messages.Event{
		&messages.LinkIssued{Purpose: purpose, LinkId: id, ExpiresAt: expires},
		mailed(kind, mailbox(s.TypedEmail, s.Email), expires, &messages.MailParams{Name: s.Name, Owner: string(s.ID), LinkId: id}),
	}
}

// notify queues a mail without a link, to the user's present address.
func (s *State) notify(kind string, now time.Time) messages.Event {
	return mailed(kind, mailbox(s.TypedEmail, s.Email), messages.Micros(now.Add(noticeLife)), &messages.MailParams{Name: s.Name, Owner: string(s.ID)})
}

// mailbox is where mail to an address goes: the domain in its ASCII form, and the
// rest as it was typed, since it may matter to the one server that reads it.
func mailbox(typed, normal string) string {
	return typed[:strings.LastIndexByte(typed, '@')] + normal[strings.LastIndexByte(normal, '@'):]
}

func mailed(kind, to string, expires int64, params *messages.MailParams) messages.Event {
	return &messages.MailQueued{Kind: kind, To: to, ExpiresAt: expires, Params: params}
}
