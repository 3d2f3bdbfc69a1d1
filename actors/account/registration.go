package account

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"atelier/messages"
)

// Register creates the account. With Activate set the user is born pending and
// activated in the same commit: two events. Else he gets a mail whose link proves
// the address, or, made by an administrator, sets the password too.
func Register(s *State, c *messages.RegisterAccount, now time.Time) ([]messages.Event, error) {
	if s.Exists() {
		return nil, messages.Refuse(messages.CodeAlreadyExists, "the account exists already")
	}
	email, err := NormaliseEmail(c.GetEmail())
	if err != nil {
		return nil, err
	}
	name, err := checkName(c.GetName())
	if err != nil {
		return nil, err
	}
	roles, err := checkRoles(c.GetRoles())
	if err != nil {
		return nil, err
	}
	events := []messages.Event{&messages.UserCreated{
		UserId: c.GetUserId(), Email: email, TypedEmail: strings.TrimSpace(c.GetEmail()), Name: name, Status: string(Pending),
		Roles: roles, PasswordHash: c.GetPasswordHash(), CreatedAt: messages.FormatTime(now),
	}}
	if c.GetActivate() {
		return append(events, &messages.UserActivated{UserId: c.GetUserId(), Status: string(Active)}), nil
	}
	if c.GetLinkId() == "" {
		return events, nil
	}
	born := &State{ID: messages.UserID(c.GetUserId()), Email: email, TypedEmail: strings.TrimSpace(c.GetEmail()), Name: name}
	if c.GetInvited() {
		return append(events, born.issue(messages.LinkReset, messages.MailSetPassword, c.GetLinkId(), InviteLife, now)...), nil
	}
	return append(events, born.issue(messages.LinkVerify, messages.MailVerifyEmail, c.GetLinkId(), VerifyLife, now)...), nil
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxName {
		return "", messages.Invalid("/name", "out_of_range", "name must have 1 to %d characters", MaxName)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", messages.Invalid("/name", "format", "name must not contain control characters")
	}
	return name, nil
}

// checkRoles gives the roles sorted and once each; every user is a user.
func checkRoles(asked []string) ([]string, error) {
	roles := []string{RoleUser}
	for _, role := range asked {
		switch role {
		case RoleUser:
		case RoleAdmin, RoleAuditor, RoleSupport:
			if !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		default:
			return nil, messages.Invalid("/roles", "not_allowed", "roles must be of user, admin, auditor, support")
		}
	}
	slices.Sort(roles)
	return roles, nil
}
