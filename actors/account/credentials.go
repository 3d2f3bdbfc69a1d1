package account

import (
	"time"

	"atelier/messages"
)

// ChangePassword sets a new password and ends the other sessions. The command
// carries the version of the password that was checked.
func ChangePassword(s *State, c *messages.ChangePassword, now time.Time) ([]messages.Event, error) {
	if err := self(s, c); err != nil {
		return nil, err
	}
	if err := maySignIn(s, now); err != nil {
		return nil, err
	}
	if c.GetCredentialVersion() != s.CredentialVersion {
		return nil, messages.Refuse(messages.CodeInvalidCredentials, "the current password is wrong")
	}
	events := []messages.Event{&messages.UserPasswordChanged{UserId: string(s.ID), PasswordHash: c.GetPasswordHash()}}
	return append(events, endAllBut(s, messages.SessionID(c.GetKeepSessionId()), messages.EndedByPassword)...), nil
}
