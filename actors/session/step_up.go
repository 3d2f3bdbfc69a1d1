package session

import (
	"time"

	"atelier/messages"
)

// StepUpLife is for how long a user who has just proved again who he is may change
// what his account hangs on.
const StepUpLife = 10 * time.Minute

// StepUp notes that he has.
func StepUp(s *State, c *messages.StepUp, now time.Time) ([]messages.Event, error) {
	if err := alive(s, now); err != nil {
		return nil, err
	}
	if c.GetMeta().GetPrincipal() != string(s.User) {
		return nil, messages.Missing("session")
	}
	return []messages.Event{&messages.SessionSteppedUp{Until: messages.Micros(now.Add(StepUpLife))}}, nil
}

// SteppedUp is the reply of StepUp.
func SteppedUp(s *State, _ *messages.StepUp, _ time.Time) *messages.Session { return View(s) }
