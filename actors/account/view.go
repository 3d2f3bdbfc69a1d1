package account

import (
	"time"

	"atelier/messages"
)

// View is the account as the user himself and admins see it.
func View(s *State, c *messages.GetAccount, now time.Time) (*messages.Account, error) {
	if err := selfOr(s, c, RoleAdmin, RoleAuditor, RoleSupport); err != nil {
		return nil, err
	}
	if _, open := s.Sessions[messages.SessionID(c.GetSessionId())]; !open && c.GetSessionId() != "" {
		return nil, messages.Refuse(messages.CodeSessionRevoked, "the session has ended")
	}
	if c.GetResetLinkId() != "" && !s.Links.Reset.good(c.GetResetLinkId(), now) {
		return nil, messages.UsedUp()
	}
	return ResourceAt(s, now), nil
}

// ResourceAt renders the account at a time: a suspension that ran out has ended.
func ResourceAt(s *State, now time.Time) *messages.Account {
	a := Resource(s)
	if a.Status = string(s.StatusAt(now)); a.Status != string(Suspended) {
		a.Suspension = nil
	}
	return a
}

// Resource renders the account.
func Resource(s *State) *messages.Account {
	a := &messages.Account{
		Id: string(s.ID), Email: s.TypedEmail, Name: s.Name, Status: string(s.Status), Roles: s.Roles,
		Profile: &messages.Profile{
			DisplayName: s.Profile.DisplayName, AvatarUrl: s.Profile.AvatarURL, Bio: s.Profile.Bio, Location: s.Profile.Location,
			Timezone: s.Profile.Timezone, Locale: s.Profile.Locale, Website: s.Profile.Website,
		},
		CreatedAt: messages.Micros(s.CreatedAt), UpdatedAt: messages.Micros(s.UpdatedAt), LastLogin: messages.Micros(s.LastLogin),
		Version: s.Version, AuthEpoch: s.AuthEpoch, CredentialVersion: s.CredentialVersion, Address: s.Email,
	}
	if s.Status == Suspended {
		a.Suspension = &messages.Suspension{
			Reason: s.Suspension.Reason, Until: messages.Micros(s.Suspension.Until), By: string(s.Suspension.By), At: messages.Micros(s.Suspension.At),
		}
	}
	return a
}

// Preferences is the user's own settings object.
func Preferences(s *State, c *messages.GetPreferences, _ time.Time) (*messages.Preferences, error) {
	if err := self(s, c); err != nil {
		return nil, err
	}
	return preferences(s), nil
}

// Merged is the reply of UpdatePreferences.
func Merged(s *State, _ *messages.UpdatePreferences, _ time.Time) *messages.Preferences {
	return preferences(s)
}

func preferences(s *State) *messages.Preferences {
	return &messages.Preferences{Json: []byte(s.Preferences), Version: s.Version}
}

// Opened is the reply of OpenSession.
func Opened(s *State, c *messages.OpenSession, _ time.Time) *messages.Session {
	session := s.Sessions[messages.SessionID(c.GetSessionId())]
	return &messages.Session{
		Id: c.GetSessionId(), UserId: string(s.ID), CreatedAt: messages.Micros(session.OpenedAt), LastSeenAt: messages.Micros(session.OpenedAt),
		ExpiresAt: messages.Micros(session.ExpiresAt), Ip: c.GetIp(), UserAgent: c.GetUserAgent(), Amr: c.GetAmr(), AuthEpoch: s.AuthEpoch,
	}
}
