package account

import (
	"time"

	"atelier/messages"
)

// RegisterAgain is a registration for an address that has an account. Of one that
// nobody has proved yet it replaces name and password and voids the link before:
// whoever reads the address's mail decides which registration counts. One that an
// administrator made takes nothing from a stranger: the link that sets its password is
// mailed once more. To any other it tells that somebody tried, by mail, since the reply
// must not tell.
func RegisterAgain(s *State, c *messages.RegisterAgain, now time.Time) ([]messages.Event, error) {
	name, err := checkName(c.GetName())
	if err != nil {
		return nil, err
	}
	if s.StatusAt(now) != Pending {
		return []messages.Event{s.notify(messages.MailAccountExists, now)}, nil
	}
	if s.invited() {
		return s.issue(messages.LinkReset, messages.MailSetPassword, c.GetLinkId(), InviteLife, now), nil
	}
	var events []messages.Event
	if name != s.Name {
		events = append(events, &messages.UserUpdated{UserId: string(s.ID), Name: &name})
	}
	events = append(events, &messages.UserPasswordChanged{UserId: string(s.ID), PasswordHash: c.GetPasswordHash()})
	named := *s
	named.Name = name
	return append(events, named.issue(messages.LinkVerify, messages.MailVerifyEmail, c.GetLinkId(), VerifyLife, now)...), nil
}

// RequestVerification mails the link once more, with a new one in the place of the
// one before. Whoever need not prove his address gets nothing.
func RequestVerification(s *State, c *messages.RequestVerification, now time.Time) ([]messages.Event, error) {
	if s.StatusAt(now) != Pending {
		return nil, nil
	}
	if s.invited() {
		return s.issue(messages.LinkReset, messages.MailSetPassword, c.GetLinkId(), InviteLife, now), nil
	}
	return s.issue(messages.LinkVerify, messages.MailVerifyEmail, c.GetLinkId(), VerifyLife, now), nil
}

// invited reports whether an administrator made the account, and its link has yet to
// set a password.
func (s *State) invited() bool { return s.PasswordHash == "" }

// VerifyEmail uses the link: pending → active.
func VerifyEmail(s *State, c *messages.VerifyEmail, now time.Time) ([]messages.Event, error) {
	if !s.Links.Verify.good(c.GetLinkId(), now) {
		return nil, messages.UsedUp()
	}
	if s.StatusAt(now) != Pending {
		return nil, notAllowed(s, now)
	}
	return []messages.Event{&messages.UserActivated{UserId: string(s.ID), Status: string(Active)}}, nil
}
