package account

import (
	"time"

	"atelier/messages"
)

// RequestPasswordReset mails a link that sets a new password. A user who may not
// sign in whatever his password gets none.
func RequestPasswordReset(s *State, c *messages.RequestPasswordReset, now time.Time) ([]messages.Event, error) {
	switch s.StatusAt(now) {
	case Pending, Active:
		return s.issue(messages.LinkReset, messages.MailResetPassword, c.GetLinkId(), ResetLife, now), nil
	default:
		return nil, nil
	}
}

// ResetPassword uses the link: a new password, and the end of all sessions. Who
// has the link reads the address's mail, so that a pending user is active by it.
func ResetPassword(s *State, c *messages.ResetPassword, now time.Time) ([]messages.Event, error) {
	if !s.Links.Reset.good(c.GetLinkId(), now) {
		return nil, messages.UsedUp()
	}
	events := []messages.Event{&messages.UserPasswordChanged{UserId: string(s.ID), PasswordHash: c.GetPasswordHash(), ByLink: true}}
	if s.StatusAt(now) == Pending {
		events = append(events, &messages.UserActivated{UserId: string(s.ID), Status: string(Active)})
	}
	events = append(events, endAllBut(s, "", messages.EndedByReset)...)
	return append(events, s.notify(messages.MailPasswordChanged, now)), nil
}
