package project

import (
	"slices"
	"strings"
	"time"

	"atelier/messages"
)

// Limits of invitations.
const (
	InvitationLife = 7 * 24 * time.Hour
	MaxInvitations = 100 // that wait at one time
)

// Invitation waits for whoever has proved that an address is his. It takes no seat.
type Invitation struct {
	ID      string          `json:"id"`
	Email   string          `json:"email"` // normalised
	Typed   string          `json:"typed"`
	Role    Role            `json:"role"`
	By      messages.UserID `json:"by"`
	At      int64           `json:"at"` // microseconds since the epoch
	Expires int64           `json:"expires"`
}

func (i Invitation) expired(now time.Time) bool { return !now.Before(messages.Time(i.Expires)) }

// invitation is the one of that id that has not expired.
func (s *State) invitation(id string, now time.Time) (Invitation, bool) {
	i := slices.IndexFunc(s.Invitations, func(i Invitation) bool { return i.ID == id })
	if i < 0 || s.Invitations[i].expired(now) {
		return Invitation{}, false
	}
	return s.Invitations[i], true
}

// Invite has an address mailed an invitation. One that waits for that address already
// is replaced. The address's account is not looked at: who invites learns nothing of it.
func Invite(s *State, c *messages.Invite, now time.Time) ([]messages.Event, error) {
	if err := may(s, c, ManageMembers); err != nil {
		return nil, err
	}
	role, err := givenRole(c.GetRole())
	if err != nil {
		return nil, err
	}
	var events []messages.Event
	waiting := 0
	for _, i := range s.Invitations {
		switch {
		case i.Email == c.GetEmail(), i.expired(now):
			events = append(events, &messages.ProjectInvitationRevoked{InvitationId: i.ID})
		default:
			waiting++
		}
	}
	if waiting >= MaxInvitations {
		return nil, messages.Refuse(messages.CodeInvalidState, "the project has %d invitations that wait, which is the most it may have", waiting)
	}
	expires := now.Add(InvitationLife)
	created := &messages.ProjectInvitationCreated{
		InvitationId: c.GetInvitationId(), Email: c.GetEmail(), TypedEmail: strings.TrimSpace(c.GetTypedEmail()), Role: string(role),
		InvitedBy: string(caller(c)), ExpiresAt: messages.FormatTime(expires),
	}
	return append(events, created, s.invited(c.GetEmail(), c.GetInvitationId(), role, c.GetInviter(), expires)), nil
}

func (s *State) invited(to, id string, role Role, by string, expires time.Time) messages.Event {
	return &messages.MailQueued{Kind: messages.MailInvitation, To: to, ExpiresAt: messages.Micros(expires), Params: &messages.MailParams{
		Owner: string(s.ID), LinkId: id, By: by, About: s.Name, Role: string(role),
	}}
}

// ResendInvitation mails it again.
func ResendInvitation(s *State, c *messages.ResendInvitation, now time.Time) ([]messages.Event, error) {
	if err := may(s, c, ManageMembers); err != nil {
		return nil, err
	}
	i, waits := s.invitation(c.GetInvitationId(), now)
	if !waits {
		return nil, messages.Missing("invitation")
	}
	return []messages.Event{s.invited(i.Email, i.ID, i.Role, c.GetInviter(), messages.Time(i.Expires))}, nil
}

// RevokeInvitation takes it back; in an archived project too.
func RevokeInvitation(s *State, c *messages.RevokeInvitation, now time.Time) ([]messages.Event, error) {
	if err := mayArchivedToo(s, c, ManageMembers); err != nil {
		return nil, err
	}
	if _, waits := s.invitation(c.GetInvitationId(), now); !waits {
		return nil, messages.Missing("invitation")
	}
	return []messages.Event{&messages.ProjectInvitationRevoked{InvitationId: c.GetInvitationId()}}, nil
}

// bound is the invitation if it waits for the address that the caller has proved to be
// his.
func (s *State) bound(id, email string, now time.Time) (Invitation, error) {
	i, waits := s.invitation(id, now)
	if !waits {
		return i, messages.UsedUp()
	}
	if email == "" || i.Email != email {
		return i, messages.Refuse(messages.CodeForbidden, "the invitation is for another address")
	}
	return i, nil
}

// AcceptInvitation lets the invited in. At the limit he is refused, and the invitation
// stays.
func AcceptInvitation(s *State, c *messages.AcceptInvitation, now time.Time) ([]messages.Event, error) {
	i, err := s.bound(c.GetInvitationId(), c.GetEmail(), now)
	if err != nil {
		return nil, err
	}
	if s.Status == Archived {
		return nil, messages.Refuse(messages.CodeInvalidState, "the project is archived and read-only")
	}
	if len(s.members) >= s.Settings.MaxCollaborators {
		return nil, messages.Refuse(messages.CodeCollaboratorLimitReached, "maximum collaborators reached")
	}
	user := caller(c)
	if _, member := s.index[user]; member || user == s.Owner {
		return nil, messages.Refuse(messages.CodeAlreadyCollaborator, "user is already a collaborator")
	}
	return []messages.Event{
		&messages.ProjectInvitationAccepted{InvitationId: i.ID, UserId: string(user)},
		&messages.ProjectCollaboratorAdded{UserId: string(user), Role: string(i.Role), AddedBy: string(i.By)},
	}, nil
}

// DeclineInvitation ends it.
func DeclineInvitation(s *State, c *messages.DeclineInvitation, now time.Time) ([]messages.Event, error) {
	i, err := s.bound(c.GetInvitationId(), c.GetEmail(), now)
	if err != nil {
		return nil, err
	}
	return []messages.Event{&messages.ProjectInvitationDeclined{InvitationId: i.ID}}, nil
}

// ViewInvitation is for whoever has its link.
func ViewInvitation(s *State, c *messages.GetInvitation, now time.Time) (*messages.Invitation, error) {
	i, waits := s.invitation(c.GetInvitationId(), now)
	if !waits {
		return nil, messages.UsedUp()
	}
	return s.invitationResource(i), nil
}

// ViewInvitations are those that wait, for who manages members.
func ViewInvitations(s *State, c *messages.ListInvitations, now time.Time) (*messages.Invitations, error) {
	if err := mayArchivedToo(s, c, ManageMembers); err != nil {
		return nil, err
	}
	list := &messages.Invitations{}
	for _, i := range s.Invitations {
		if !i.expired(now) {
			list.Items = append(list.Items, s.invitationResource(i))
		}
	}
	return list, nil
}

func (s *State) invitationResource(i Invitation) *messages.Invitation {
	return i.Resource(s.ID, s.Name)
}

// Resource renders the invitation to a project of that name.
func (i Invitation) Resource(id messages.ProjectID, name string) *messages.Invitation {
	return &messages.Invitation{
		Id: i.ID, ProjectId: string(id), ProjectName: name, Email: i.Typed, Role: string(i.Role), InvitedBy: string(i.By),
		CreatedAt: i.At, ExpiresAt: i.Expires,
	}
}

// Accepted is the reply of AcceptInvitation.
func Accepted(s *State, c *messages.AcceptInvitation, _ time.Time) *messages.Collaborator {
	m, _ := s.Member(caller(c))
	return withUser(collaborator(s, m), c.GetUser())
}
