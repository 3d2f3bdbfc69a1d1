package session

import (
	"time"

	"atelier/messages"
)

// rotationSpacing thins out the remembered rotations of a session that is
// refreshed often, so that its row stays small. It makes the rule lenient by at
// most that much.
const rotationSpacing = 500 * time.Millisecond

// Refresh answers the presentation of a refresh token. The newest generation
// gets a child. An older one gets the child it got before, until that child has
// been used and ReuseGrace has passed: twenty tabs and a lost reply end with one
// and the same child. After that it is theft, which is
// refused with CodeTokenReused: the account ends the session, and until it
// has, presenting the token again is theft again.
func Refresh(s *State, c *messages.RefreshSession, now time.Time) ([]messages.Event, error) {
	if err := alive(s, now); err != nil {
		return nil, err
	}
	switch {
	case c.GetGeneration() > s.Generation:
		return nil, messages.Refuse(messages.CodeInvalidToken, "the refresh token is not valid")
	case c.GetGeneration() == s.Generation:
		return []messages.Event{&messages.SessionRefreshed{Generation: s.Generation + 1, Ip: c.GetIp(), UserAgent: c.GetUserAgent()}}, nil
	case stolen(s, c.GetGeneration(), now):
		return nil, messages.Refuse(messages.CodeTokenReused, "the refresh token was used before")
	default:
		return nil, nil
	}
}

// stolen reports whether the child of generation g was used more than
// ReuseGrace ago. The birth of g+2 is the first use of the child, g+1; where
// that birth is no longer kept, a later one bounds it.
func stolen(s *State, g uint32, now time.Time) bool {
	if graceless {
		return true
	}
	if g+1 == s.Generation {
		return false // the child has not been used
	}
	for _, r := range s.Rotations {
		if r.Generation >= g+2 {
			return now.Sub(messages.Time(r.At)) > ReuseGrace
		}
	}
	return true
}

// keep drops rotations that no longer matter: all that are past the grace
// period but the newest of these, which bounds them, and those within
// rotationSpacing of both neighbours.
func keep(rotations []Rotation, now time.Time) []Rotation {
	first := 0
	for i, r := range rotations {
		if now.Sub(messages.Time(r.At)) > ReuseGrace {
			first = i
		}
	}
	rotations = rotations[first:]
	kept := make([]Rotation, 0, len(rotations))
	for i, r := range rotations {
		inner := i > 0 && i < len(rotations)-1
		if inner && time.Duration(rotations[i+1].At-kept[len(kept)-1].At)*time.Microsecond < rotationSpacing {
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// Refreshed is the reply of Refresh: the child that the parent gets.
func Refreshed(s *State, c *messages.RefreshSession, _ time.Time) *messages.Refreshed {
	return &messages.Refreshed{Session: View(s), Generation: c.GetGeneration() + 1}
}

// Get is the session, while it is open.
func Get(s *State, _ *messages.GetSession, now time.Time) (*messages.Session, error) {
	if err := alive(s, now); err != nil {
		return nil, err
	}
	return View(s), nil
}

// View renders the session.
func View(s *State) *messages.Session {
	return &messages.Session{
		Id: string(s.ID), UserId: string(s.User), CreatedAt: messages.Micros(s.CreatedAt), LastSeenAt: messages.Micros(s.LastSeenAt),
		ExpiresAt: messages.Micros(s.ExpiresAt), Ip: s.IP, UserAgent: s.UserAgent, Amr: s.AMR, AuthEpoch: s.AuthEpoch, Generation: s.Generation,
		SteppedUpUntil: messages.Micros(s.SteppedUp),
	}
}

func alive(s *State, now time.Time) error {
	if !s.EndedAt.IsZero() || !now.Before(s.ExpiresAt) {
		return messages.Refuse(messages.CodeSessionRevoked, "the session has ended")
	}
	return nil
}
