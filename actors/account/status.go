package account

import (
	"slices"
	"time"
	"unicode/utf8"

	"atelier/messages"
)

// StatusAt is the status at a time: a suspension that ran out has ended.
func (s *State) StatusAt(now time.Time) Status {
	if s.Status == Suspended && !s.Suspension.Until.IsZero() && !now.Before(s.Suspension.Until) {
		return s.StatusBefore
	}
	return s.Status
}

// Activate moves a pending user to active.
func Activate(s *State, c *messages.ActivateUser, now time.Time) ([]messages.Event, error) {
	if err := selfOr(s, c, RoleAdmin); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if s.StatusAt(now) != Pending {
		return nil, notAllowed(s, now)
	}
	return []messages.Event{&messages.UserActivated{UserId: string(s.ID), Status: string(Active)}}, nil
}

// Suspend moves any user to suspended. Suspending again replaces reason and end. His
// sessions are no longer good, by the authorisation epoch: they answer that he is
// suspended, and after that, that they have ended.
func Suspend(s *State, c *messages.SuspendUser, now time.Time) ([]messages.Event, error) {
	if err := byAdmin(c); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(c.GetReason()); n < 1 || n > 1000 {
		return nil, messages.Invalid("/reason", "out_of_range", "reason must have 1 to 1000 characters")
	}
	until := messages.Time(c.GetUntil())
	if !until.IsZero() && !until.After(now) {
		return nil, messages.Invalid("/until", "out_of_range", "until must be in the future")
	}
	return []messages.Event{&messages.UserSuspended{
		UserId: string(s.ID), Status: string(Suspended), Reason: c.GetReason(), Until: messages.FormatTime(until), By: c.GetMeta().GetPrincipal(),
	}}, nil
}

// Reactivate moves a suspended user to the status before, an inactive one to
// active.
func Reactivate(s *State, c *messages.ReactivateUser, now time.Time) ([]messages.Event, error) {
	if err := byAdmin(c); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	after := Active
	switch s.StatusAt(now) {
	case Suspended:
		after = s.StatusBefore
	case Inactive:
	case Pending, Active:
		return nil, notAllowed(s, now)
	}
	return []messages.Event{&messages.UserReactivated{UserId: string(s.ID), Status: string(after)}}, nil
}

// Deactivate moves any user to inactive; all sessions end.
func Deactivate(s *State, c *messages.DeactivateUser, now time.Time) ([]messages.Event, error) {
	if err := byAdmin(c); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if s.StatusAt(now) == Inactive {
		return nil, notAllowed(s, now)
	}
	events := []messages.Event{&messages.UserDeactivated{UserId: string(s.ID), Status: string(Inactive)}}
	return append(events, endAllBut(s, "", messages.EndedByStatus)...), nil
}

// SetRoles gives the user exactly these roles, and user.
func SetRoles(s *State, c *messages.SetRoles, _ time.Time) ([]messages.Event, error) {
	roles, err := newRoles(s, c, c.GetRoles())
	if err != nil || roles == nil {
		return nil, err
	}
	return []messages.Event{&messages.UserUpdated{UserId: string(s.ID), Roles: roles}}, nil
}

// newRoles are the roles that an administrator gives; nil where the user has them.
func newRoles(s *State, c messages.Command, asked []string) ([]string, error) {
	if err := byAdmin(c); err != nil {
		return nil, err
	}
	roles, err := checkRoles(asked)
	if err != nil || slices.Equal(roles, s.Roles) {
		return nil, err
	}
	return roles, nil
}

func byAdmin(c messages.Command) error {
	if !slices.Contains(c.GetMeta().GetRoles(), RoleAdmin) {
		return messages.Refuse(messages.CodeForbidden, "this needs the role admin")
	}
	return nil
}

// notAllowed lists the moves that the state machine allows.
func notAllowed(s *State, now time.Time) error {
	var moves []string
	switch s.StatusAt(now) {
	case Pending:
		moves = []string{"activate", "suspend", "deactivate"}
	case Active:
		moves = []string{"suspend", "deactivate"}
	case Suspended:
		moves = []string{"suspend", "reactivate", "deactivate"}
	case Inactive:
		moves = []string{"suspend", "reactivate"}
	}
	refusal := messages.Refuse(messages.CodeInvalidState, "a user who is %s cannot make this move", s.StatusAt(now))
	refusal.Allowed = moves
	return refusal
}
