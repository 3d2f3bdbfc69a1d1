package project

import (
	"fmt"

	"atelier/messages"
)

// Decision is the answer to "may this person do that", with its reason. It is
// the one function that decides and that explains.
type Decision struct {
	Allowed bool
	Role    Role
	Code    string // why not: not_found, forbidden or invalid_state
	Reason  string
}

// Decide tells whether a user has a right, an archived project's restrictions
// included.
func Decide(s *State, user messages.UserID, right Right) Decision {
	d := decideRole(s, user, right)
	if d.Allowed && s.Status == Archived && readOnlyBlocks(right) {
		return Decision{Role: d.Role, Code: messages.CodeInvalidState, Reason: "the project is archived and read-only"}
	}
	return d
}

// decideRole leaves the life cycle aside.
func decideRole(s *State, user messages.UserID, right Right) Decision {
	role := s.RoleOf(user)
	switch {
	case rank(role) == 0:
		return Decision{Role: role, Code: messages.CodeNotFound, Reason: "neither owner nor collaborator, and the project is not public"}
	case rank(role) < rank(weakest(right)):
		return Decision{Role: role, Code: messages.CodeForbidden, Reason: fmt.Sprintf("%s needs the role %s or higher; this one is %s", right, weakest(right), role)}
	default:
		return Decision{Allowed: true, Role: role, Reason: fmt.Sprintf("%s is given by the role %s", right, role)}
	}
}

// allow turns a decision into the refusal a rule returns.
func allow(d Decision) error {
	switch {
	case d.Allowed:
		return nil
	case d.Code == messages.CodeNotFound:
		return messages.Missing("project")
	default:
		return messages.Refuse(d.Code, "%s", d.Reason)
	}
}

// may refuses a command whose caller lacks a right.
func may(s *State, c messages.Command, right Right) error {
	return allow(Decide(s, caller(c), right))
}

// mayArchivedToo is may for what stays possible in an archived project.
func mayArchivedToo(s *State, c messages.Command, right Right) error {
	return allow(decideRole(s, caller(c), right))
}

func caller(c messages.Command) messages.UserID {
	return messages.UserID(c.GetMeta().GetPrincipal())
}

// Permissions are the effective rights of a user. Asking about others needs the
// right to manage members; about oneself, the right to read.
func Permissions(s *State, c *messages.GetPermissions) (*messages.Permissions, error) {
	if err := mayArchivedToo(s, c, Read); err != nil {
		return nil, err
	}
	user := messages.UserID(c.GetUserId())
	if user == "" {
		user = caller(c)
	}
	if user != caller(c) {
		if err := mayArchivedToo(s, c, ManageMembers); err != nil {
			return nil, err
		}
	}
	p := &messages.Permissions{ProjectId: string(s.ID), UserId: string(user), Role: string(s.RoleOf(user))}
	for _, right := range rights {
		d := Decide(s, user, right)
		answer := &messages.Permission{Right: string(right), Allowed: d.Allowed}
		if c.GetExplain() {
			answer.Reason = d.Reason
		}
		p.Rights = append(p.Rights, answer)
	}
	return p, nil
}
