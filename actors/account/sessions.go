package account

import (
	"slices"
	"time"

	"atelier/messages"
)

// Open begins a session. The command carries the version of the password that
// was checked: a sign-in that a password change overtook is refused, and so no
// session survives it.
func Open(s *State, c *messages.OpenSession, now time.Time) ([]messages.Event, error) {
	if c.GetCredentialVersion() != s.CredentialVersion {
		return nil, messages.Refuse(messages.CodeInvalidCredentials, "e-mail or password is wrong")
	}
	if err := maySignIn(s, now); err != nil {
		return nil, err
	}
	if _, open := s.Sessions[messages.SessionID(c.GetSessionId())]; open {
		return nil, messages.Refuse(messages.CodeAlreadyExists, "the session exists already")
	}
	events := makeRoom(s, now)
	return append(events, &messages.SessionOpened{
		UserId: string(s.ID), SessionId: c.GetSessionId(), Ip: c.GetIp(), UserAgent: c.GetUserAgent(), Amr: c.GetAmr(),
		ExpiresAt: messages.FormatTime(now.Add(time.Duration(c.GetLifetimeUs()) * time.Microsecond)),
	}), nil
}

// maySignIn refuses by status. A suspension that ran out counts no longer.
func maySignIn(s *State, now time.Time) error {
	switch s.StatusAt(now) {
	case Pending:
		return messages.Refuse(messages.CodeEmailUnverified, "the e-mail address is not verified yet")
	case Suspended:
		return messages.Refuse(messages.CodeUserSuspended, "the account is suspended")
	case Inactive:
		return messages.Refuse(messages.CodeUserInactive, "the account is deactivated")
	case Active:
		return nil
	default:
		return messages.Missing("user")
	}
}

// makeRoom ends expired sessions and, at the limit, the oldest one.
func makeRoom(s *State, now time.Time) []messages.Event {
	var events []messages.Event
	if len(s.Sessions) < MaxSessions/10 {
		return nil // the few expired ones are swept
	}
	open := 0
	var oldest messages.SessionID
	for _, id := range s.sessionIDs() {
		session := s.Sessions[id]
		if !now.Before(session.ExpiresAt) {
			events = append(events, ended(s, id, messages.EndedByExpiry))
			continue
		}
		open++
		if oldest == "" || session.OpenedAt.Before(s.Sessions[oldest].OpenedAt) {
			oldest = id
		}
	}
	if open >= MaxSessions {
		events = append(events, ended(s, oldest, messages.EndedByLimit))
	}
	return events
}

// sessionIDs are the ids of the open sessions in a stable order.
func (s *State) sessionIDs() []messages.SessionID {
	ids := make([]messages.SessionID, 0, len(s.Sessions))
	for id := range s.Sessions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func ended(s *State, id messages.SessionID, reason string) messages.Event {
	return &messages.SessionEnded{UserId: string(s.ID), SessionId: string(id), Reason: reason}
}

// End ends one session. Ending one that has ended already decides nothing, so
// that a log-out can be repeated.
func End(s *State, c *messages.EndSession, _ time.Time) ([]messages.Event, error) {
	if err := selfOr(s, c, RoleAdmin, RoleSupport); err != nil && c.GetReason() != messages.EndedByReuse {
		return nil, err
	}
	id := messages.SessionID(c.GetSessionId())
	if _, open := s.Sessions[id]; !open {
		if c.GetReason() == messages.EndedByUser {
			return nil, messages.Missing("session")
		}
		return nil, nil
	}
	var events []messages.Event
	if c.GetReason() == messages.EndedByReuse {
		events = append(events, &messages.SessionReuseDetected{UserId: string(s.ID), SessionId: string(id)})
	}
	return append(events, ended(s, id, c.GetReason())), nil
}

// EndOthers ends all sessions but one.
func EndOthers(s *State, c *messages.EndOtherSessions, _ time.Time) ([]messages.Event, error) {
	if err := selfOr(s, c, RoleAdmin, RoleSupport); err != nil {
		return nil, err
	}
	return endAllBut(s, messages.SessionID(c.GetExceptSessionId()), messages.EndedByUser), nil
}

func endAllBut(s *State, keep messages.SessionID, reason string) []messages.Event {
	var events []messages.Event
	for _, id := range s.sessionIDs() {
		if id != keep {
			events = append(events, ended(s, id, reason))
		}
	}
	return events
}
