package account

import (
	"time"

	"atelier/messages"
)

// Welcome mails a word of welcome to a user who can sign in. Whoever has yet to prove
// his address or to set a password was welcomed by the mail with that link.
func Welcome(s *State, _ *messages.WelcomeUser, now time.Time) ([]messages.Event, error) {
	if s.StatusAt(now) != Active || s.PasswordHash == "" {
		return nil, nil
	}
	return []messages.Event{s.notify(messages.MailWelcome, now)}, nil
}
