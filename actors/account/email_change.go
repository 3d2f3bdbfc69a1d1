package account

import (
	"strings"
	"time"

	"atelier/messages"
)

// ChangeEmail mails a link to both addresses: the one before, so that nobody loses
// his account to whoever sits at his machine, and the new one, so that it is his.
// Whether the new one has an account already is not told before both have confirmed.
func ChangeEmail(s *State, c *messages.ChangeEmail, now time.Time) ([]messages.Event, error) {
	if err := self(s, c); err != nil {
		return nil, err
	}
	if err := maySignIn(s, now); err != nil {
		return nil, err
	}
	email, err := NormaliseEmail(c.GetNewEmail())
	if err != nil {
		return nil, messages.Invalid("/new_email", "format", "new_email must be an address like name@example.com")
	}
	if email == s.Email {
		return nil, messages.Invalid("/new_email", "not_allowed", "this is the address already")
	}
	typed := strings.TrimSpace(c.GetNewEmail())
	expires := messages.Micros(now.Add(ChangeLife))
	params := func(link string) *messages.MailParams {
		return &messages.MailParams{Name: s.Name, Owner: string(s.ID), LinkId: link, About: typed}
	}
	return []messages.Event{
		&messages.EmailChangeBegun{Email: email, TypedEmail: typed, LinkId: c.GetLinkId(), NewLinkId: c.GetNewLinkId(), ExpiresAt: expires},
		mailed(messages.MailConfirmEmail, mailbox(s.TypedEmail, s.Email), expires, params(c.GetLinkId())),
		mailed(messages.MailConfirmNewEmail, mailbox(typed, email), expires, params(c.GetNewLinkId())),
	}, nil
}

// ConfirmEmail uses the link of one address. With the second one the address
// changes, and the one before is told.
func ConfirmEmail(s *State, c *messages.ConfirmEmail, now time.Time) ([]messages.Event, error) {
	change := s.Links.Email
	if !change.Old.good(c.GetLinkId(), now) && !change.New.good(c.GetLinkId(), now) {
		return nil, messages.UsedUp()
	}
	if change.Old.ID != "" && change.New.ID != "" {
		return []messages.Event{&messages.EmailConfirmed{LinkId: c.GetLinkId()}}, nil
	}
	told := mailed(messages.MailEmailChanged, mailbox(s.TypedEmail, s.Email), messages.Micros(now.Add(noticeLife)),
		&messages.MailParams{Name: s.Name, Owner: string(s.ID), About: change.Typed})
	return []messages.Event{
		&messages.UserEmailChanged{UserId: string(s.ID), Email: change.Email, TypedEmail: change.Typed}, told,
	}, nil
}

// Confirmed is the reply of ConfirmEmail.
func Confirmed(s *State, _ *messages.ConfirmEmail, _ time.Time) *messages.EmailConfirmation {
	return &messages.EmailConfirmation{Changed: s.Links.Email.Email == ""}
}
