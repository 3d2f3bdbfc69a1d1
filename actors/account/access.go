package account

import (
	"slices"

	"atelier/messages"
)

// self refuses callers other than the user himself. Others learn nothing of
// whether the account exists.
func self(s *State, c messages.Command) error { return selfOr(s, c) }

// selfOr also lets in callers with one of the roles.
func selfOr(s *State, c messages.Command, roles ...string) error {
	m := c.GetMeta()
	if m.GetPrincipal() == string(s.ID) && s.ID != "" {
		return nil
	}
	for _, role := range roles {
		if slices.Contains(m.GetRoles(), role) {
			return nil
		}
	}
	return messages.Missing("user")
}

// expectVersion honours If-Match.
func expectVersion(s *State, c messages.Command) error {
	m := c.GetMeta()
	if m == nil || m.ExpectedVersion == nil || m.GetExpectedVersion() == s.Version {
		return nil
	}
	return messages.Refuse(messages.CodeVersionMismatch, "the user is at version %d, not %d", s.Version, m.GetExpectedVersion())
}
