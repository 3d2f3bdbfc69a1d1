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
	Code    string // why not: not_found, forbidden, invalid_state or comments_disabled
	right   Right
}

// Decide tells whether a user has a right, the restrictions of an archived project
// and of one without comments included.
func Decide(s *State, user messages.UserID, right Right) Decision {
	d := decideRole(s, user, right)
	switch {
	case !d.Allowed:
	case s.Status == Archived && readOnlyBlocks(right):
		d.Allowed, d.Code = false, messages.CodeInvalidState
	case right == Comment && !s.Settings.AllowComments:
		d.Allowed, d.Code = false, messages.CodeCommentsDisabled
	}
	return d
}

// decideRole leaves the life cycle aside.
func decideRole(s *State, user messages.UserID, right Right) Decision {
	d := Decision{Role: s.RoleOf(user), right: right}
	switch {
	case rank(d.Role) == 0:
		d.Code = messages.CodeNotFound
	case rank(d.Role) < rank(weakest(right)):
		d.Code = messages.CodeForbidden
	default:
		d.Allowed = true
	}
	return d
}

// Reason explains the decision in a sentence.
func (d Decision) Reason() string {
	switch d.Code {
	case messages.CodeNotFound:
		return "neither owner nor collaborator, and the project is not public"
	case messages.CodeForbidden:
		return fmt.Sprintf("%s needs the role %s or higher; this one is %s", d.right, weakest(d.right), d.Role)
	case messages.CodeInvalidState:
		return "the project is archived and read-only"
	case messages.CodeCommentsDisabled:
		return "the project takes no comments"
	default:
		return fmt.Sprintf("%s is given by the role %s", d.right, d.Role)
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
		return messages.Refuse(d.Code, "%s", d.Reason())
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
			answer.Reason = d.Reason()
		}
		p.Rights = append(p.Rights, answer)
	}
	return p, nil
}
