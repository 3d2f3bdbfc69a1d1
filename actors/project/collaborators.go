package project

import (
	"slices"
	"time"

	"atelier/messages"
)

// AddCollaborator lets a user in. The limit is checked first; the owner counts
// as already in.
func AddCollaborator(s *State, c *messages.AddCollaborator, _ time.Time) ([]messages.Event, error) {
	if err := may(s, c, ManageMembers); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	role, err := givenRole(c.GetRole())
	if err != nil {
		return nil, err
	}
	user := messages.UserID(c.GetUserId())
	if len(s.members) >= s.Settings.MaxCollaborators {
		return nil, messages.Refuse(messages.CodeCollaboratorLimitReached, "maximum collaborators reached")
	}
	if _, member := s.index[user]; member || user == s.Owner {
		return nil, messages.Refuse(messages.CodeAlreadyCollaborator, "user is already a collaborator")
	}
	return []messages.Event{&messages.ProjectCollaboratorAdded{
		UserId: string(user), Role: string(role), AddedBy: string(caller(c)),
	}}, nil
}

// ChangeRole gives a collaborator another role.
func ChangeRole(s *State, c *messages.ChangeRole, _ time.Time) ([]messages.Event, error) {
	if err := may(s, c, ManageMembers); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	role, err := givenRole(c.GetRole())
	if err != nil {
		return nil, err
	}
	before, member := s.index[messages.UserID(c.GetUserId())]
	if !member {
		return nil, messages.Missing("collaborator")
	}
	if before == role {
		return nil, nil
	}
	return []messages.Event{&messages.ProjectRoleChanged{
		UserId: c.GetUserId(), Role: string(role), PreviousRole: string(before),
	}}, nil
}

// RemoveCollaborator takes a collaborator out; everyone may take out himself.
// Both stay possible in an archived project. An offer to him, and the invitations of his
// address where that is known, end too: they would let him in again.
func RemoveCollaborator(s *State, c *messages.RemoveCollaborator, _ time.Time) ([]messages.Event, error) {
	user := messages.UserID(c.GetUserId())
	right := ManageMembers
	if user == caller(c) {
		right = Read
	}
	if err := mayArchivedToo(s, c, right); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	role, member := s.index[user]
	if !member {
		return nil, messages.Missing("collaborator")
	}
	events := []messages.Event{&messages.ProjectCollaboratorRemoved{UserId: string(user), Role: string(role)}}
	for _, i := range s.Invitations {
		if c.GetEmail() != "" && i.Email == c.GetEmail() {
			events = append(events, &messages.ProjectInvitationRevoked{InvitationId: i.ID})
		}
	}
	if s.Offer.User == user {
		events = append(events, &messages.ProjectOwnershipDeclined{UserId: string(user)})
	}
	return events, nil
}

func givenRole(name string) (Role, error) {
	if name == "" {
		return RoleCollaborator, nil
	}
	if !slices.Contains(givenRoles, Role(name)) {
		return RoleNone, messages.Invalid("/role", "not_allowed", "role must be one of viewer, commenter, editor, collaborator, admin")
	}
	return Role(name), nil
}
