// Package account holds the rules of user accounts: registration, sign-in,
// sessions' beginning and end, profile, preferences, credentials and the user
// state machine. Rules are pure: no I/O, no clock, no randomness; hashes, ids
// and the caller come with the command.
package account

import (
	"maps"
	"slices"
	"time"

	"atelier/messages"
)

// Status of a user.
type Status string

// The statuses of the user state machine.
const (
	Pending   Status = "pending"
	Active    Status = "active"
	Suspended Status = "suspended"
	Inactive  Status = "inactive"
)

// Roles of a user in the installation. None gives a right on a project.
const (
	RoleUser    = "user"
	RoleAdmin   = "admin"
	RoleAuditor = "auditor"
	RoleSupport = "support"
)

// Limits of an account.
const (
	MaxName        = 100
	MaxPreferences = 16 << 10 // bytes of JSON
	MaxSessions    = 1_000    // open at one time; beyond that the oldest ends
)

// Suspension says why a user is suspended. For admins only.
type Suspension struct {
	Reason string
	Until  time.Time // zero: no end
	By     messages.UserID
	At     time.Time
}

// OpenSession is what the account remembers of an open session.
type OpenSession struct {
	OpenedAt  time.Time
	ExpiresAt time.Time
}

// State of an account. The zero value is an account that does not exist. Rules
// read it, Apply alone writes it.
type State struct {
	ID                messages.UserID
	Email             string // normalised: equal addresses are equal strings
	TypedEmail        string
	Name              string
	Status            Status
	StatusBefore      Status // of a suspended user: where reactivation leads
	Roles             []string
	Profile           Profile
	Preferences       string // JSON object
	Suspension        Suspension
	PasswordHash      string
	CredentialVersion int64 // raised by every change of the password
	AuthEpoch         int64 // raised when everything issued before must die
	CreatedAt         time.Time
	UpdatedAt         time.Time
	LastLogin         time.Time
	Version           int64
	Seq               int64
	Sessions          map[messages.SessionID]OpenSession
	Links             Links
	Erased            bool // nothing is left of who he was
}

// Profile is what a user tells about himself.
type Profile struct {
	DisplayName string `json:"display_name"`
	AvatarURL   string `json:"avatar_url"`
	Bio         string `json:"bio"`
	Location    string `json:"location"`
	Timezone    string `json:"timezone"`
	Locale      string `json:"locale"`
	Website     string `json:"website"`
}

// Exists reports whether the account was registered and not deleted.
func (s *State) Exists() bool { return s.Status != "" && !s.Erased }

// Head is the version of the aggregate and the length of its stream.
func (s *State) Head() (version, seq int64) { return s.Version, s.Seq }

// LastChange is when the last event happened, sessions' ends apart.
func (s *State) LastChange() time.Time {
	if s.LastLogin.After(s.UpdatedAt) {
		return s.LastLogin
	}
	return s.UpdatedAt
}

// Clone copies the state; the copy shares nothing that Apply changes.
func (s *State) Clone() *State {
	c := *s
	c.Roles = slices.Clone(s.Roles)
	c.Sessions = maps.Clone(s.Sessions)
	return &c
}

// Apply changes the state by one event.
func (s *State) Apply(e messages.Event, at messages.Stamp) {
	switch e := e.(type) {
	case *messages.UserCreated:
		*s = State{
			ID: messages.UserID(e.GetUserId()), Email: e.GetEmail(), TypedEmail: e.GetTypedEmail(), Name: e.GetName(),
			Status: Status(e.GetStatus()), Roles: slices.Clone(e.GetRoles()), Preferences: "{}",
			PasswordHash: e.GetPasswordHash(), CredentialVersion: 1, AuthEpoch: 1, CreatedAt: at.At,
		}
	case *messages.UserActivated:
		s.Status, s.Links.Verify = Status(e.GetStatus()), Link{}
	case *messages.UserSuspended:
		s.suspend(e, at)
	case *messages.UserReactivated:
		s.Status, s.StatusBefore, s.Suspension = Status(e.GetStatus()), "", Suspension{}
	case *messages.UserDeactivated:
		s.Status, s.StatusBefore, s.Suspension = Status(e.GetStatus()), "", Suspension{}
	case *messages.UserDeleted:
		s.erase()
	case *messages.UserUpdated:
		s.update(e)
	case *messages.UserPasswordChanged:
		s.PasswordHash = e.GetPasswordHash()
		s.Links.Reset, s.Links.Email = Link{}, EmailChange{} // whoever began that may not know this password
		s.CredentialVersion++
	case *messages.UserEmailChanged:
		s.Email, s.TypedEmail = e.GetEmail(), e.GetTypedEmail()
		s.Links.Email, s.Links.Reset = EmailChange{}, Link{} // that was mailed to the address before
	case *messages.SessionOpened:
		if s.Sessions == nil {
			s.Sessions = make(map[messages.SessionID]OpenSession)
		}
		s.Sessions[messages.SessionID(e.GetSessionId())] = OpenSession{OpenedAt: at.At, ExpiresAt: messages.ParseTime(e.GetExpiresAt())}
		s.LastLogin = at.At
	case *messages.SessionEnded:
		delete(s.Sessions, messages.SessionID(e.GetSessionId()))
	case *messages.SessionReuseDetected:
		// The end of the session follows as its own event.
	default:
		s.Links.apply(e)
	}
	if raisesAuthEpoch(e) {
		s.AuthEpoch++
	}
	if messages.RaisesVersion(e) {
		s.UpdatedAt = at.At
	}
	s.Version, s.Seq = at.Version, at.Seq
}

func (s *State) suspend(e *messages.UserSuspended, at messages.Stamp) {
	if s.Status != Suspended {
		s.StatusBefore = s.Status
	}
	s.Status = Status(e.GetStatus())
	s.Suspension = Suspension{Reason: e.GetReason(), Until: messages.ParseTime(e.GetUntil()), By: messages.UserID(e.GetBy()), At: at.At}
}

func (s *State) update(e *messages.UserUpdated) {
	if e.Name != nil {
		s.Name = e.GetName()
	}
	if e.Preferences != nil {
		s.Preferences = e.GetPreferences()
	}
	if len(e.GetRoles()) > 0 {
		s.Roles = slices.Clone(e.GetRoles())
	}
	if p := e.GetProfile(); p != nil {
		set(&s.Profile.DisplayName, p.DisplayName)
		set(&s.Profile.AvatarURL, p.AvatarUrl)
		set(&s.Profile.Bio, p.Bio)
		set(&s.Profile.Location, p.Location)
		set(&s.Profile.Timezone, p.Timezone)
		set(&s.Profile.Locale, p.Locale)
		set(&s.Profile.Website, p.Website)
	}
}

func set(field *string, value *string) {
	if value != nil {
		*field = *value
	}
}
