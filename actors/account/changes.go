package account

import (
	"atelier/messages"
)

// Change is what a flight does to an account's rows.
type Change struct {
	Created      bool
	Erased       bool   // refused while the user owns projects
	EmailChanged bool   // to one that an account may have already
	Row          *State // the users row after the flight; read only
	Opened       []SessionRow
	Ended        []Ending
}

// SessionRow is a row of sessions to insert.
type SessionRow struct {
	ID        messages.SessionID
	IP        string
	UserAgent string
	AMR       []string
	AuthEpoch int64
	CreatedAt int64 // microseconds since the epoch
	ExpiresAt int64
}

// Ending ends a session and raises its epoch, which fences its live entity.
type Ending struct {
	ID     messages.SessionID
	Reason string
}

func raisesAuthEpoch(e messages.Event) bool {
	switch e := e.(type) {
	case *messages.UserSuspended, *messages.UserDeactivated, *messages.UserDeleted:
		return true
	case *messages.UserPasswordChanged:
		return e.GetByLink()
	}
	return false
}

// Stream is the user's stream in the log; his sessions' events are in it.
func Stream(s *State) string { return messages.UserStream(string(s.ID)) }

// Changes folds the events of a flight into row changes, once for all engines.
// A session that was opened and ended within the flight appears in both. A
// session carries the auth epoch of its own place in the flight, so that a
// suspension later in it still ends it. All events of a flight have one time.
func Changes(after *State, events []messages.Event) any {
	change := &Change{Row: after.Clone()}
	change.Row.Sessions = nil
	epoch := after.AuthEpoch
	for _, e := range events {
		if raisesAuthEpoch(e) {
			epoch--
		}
	}
	for _, e := range events {
		if raisesAuthEpoch(e) {
			epoch++
		}
		switch e := e.(type) {
		case *messages.UserCreated:
			change.Created = true
		case *messages.UserDeleted:
			change.Erased = true
		case *messages.UserEmailChanged:
			change.EmailChanged = true
		case *messages.SessionOpened:
			change.Opened = append(change.Opened, SessionRow{
				ID: messages.SessionID(e.GetSessionId()), IP: e.GetIp(), UserAgent: e.GetUserAgent(), AMR: e.GetAmr(),
				AuthEpoch: epoch, CreatedAt: messages.Micros(after.LastLogin),
				ExpiresAt: messages.Micros(messages.ParseTime(e.GetExpiresAt())),
			})
		case *messages.SessionEnded:
			change.Ended = append(change.Ended, Ending{ID: messages.SessionID(e.GetSessionId()), Reason: e.GetReason()})
		}
	}
	return change
}
