package identity

import (
	"context"
	"time"

	"atelier/messages"
)

// Projects are the project entities, as far as addresses and people's mail matter.
type Projects interface {
	Invite(context.Context, *messages.Invite) (*messages.Done, error)
	ResendInvitation(context.Context, *messages.ResendInvitation) (*messages.Done, error)
	AcceptInvitation(context.Context, *messages.AcceptInvitation) (*messages.Collaborator, error)
	DeclineInvitation(context.Context, *messages.DeclineInvitation) (*messages.Done, error)
	GetInvitation(context.Context, *messages.GetInvitation) (*messages.Invitation, error)
	OfferOwnership(context.Context, *messages.OfferOwnership) (*messages.Project, error)
	RemoveCollaborator(context.Context, *messages.RemoveCollaborator) (*messages.Done, error)
}

// Invite has an address mailed an invitation to a project. Whether it has an account
// is not looked at.
func (s *Service) Invite(ctx context.Context, m *messages.Meta, project, email, role string) error {
	normal, err := s.normalise(email)
	if err != nil {
		return err
	}
	me, err := s.me(ctx, m)
	if err != nil {
		return err
	}
	return s.mail(ctx, m, mailInvitation, normal, func() error {
		_, err := s.projects.Invite(ctx, &messages.Invite{
			Meta: m, ProjectId: project, InvitationId: newID(), Email: normal, TypedEmail: email, Role: role, Inviter: me.GetName(),
		})
		return err
	})
}

// ResendInvitation mails it again.
func (s *Service) ResendInvitation(ctx context.Context, m *messages.Meta, project, invitation string) error {
	me, err := s.me(ctx, m)
	if err != nil {
		return err
	}
	return s.mail(ctx, m, mailInvitation, invitation, func() error {
		_, err := s.projects.ResendInvitation(ctx, &messages.ResendInvitation{Meta: m, ProjectId: project, InvitationId: invitation, Inviter: me.GetName()})
		return err
	})
}

// me is the caller's account.
func (s *Service) me(ctx context.Context, m *messages.Meta) (*messages.Account, error) {
	return s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: meta(m), UserId: m.GetPrincipal()})
}

// Invitation is what a link invites to.
func (s *Service) Invitation(ctx context.Context, m *messages.Meta, token string) (*messages.Invitation, error) {
	project, id, err := s.tokens.ParseLink(messages.LinkInvitation, token)
	if err != nil {
		return nil, err
	}
	i, err := s.projects.GetInvitation(ctx, &messages.GetInvitation{Meta: m, ProjectId: project, InvitationId: id})
	return i, gone(err)
}

// AcceptInvitation lets the caller in, whose address must be the invited one. That he
// has proved it his account being active says.
func (s *Service) AcceptInvitation(ctx context.Context, m *messages.Meta, token string) (*messages.Collaborator, error) {
	project, id, err := s.tokens.ParseLink(messages.LinkInvitation, token)
	if err != nil {
		return nil, err
	}
	me, err := s.me(ctx, m)
	if err != nil {
		return nil, err
	}
	c, err := s.projects.AcceptInvitation(ctx, &messages.AcceptInvitation{
		Meta: m, ProjectId: project, InvitationId: id, Email: me.GetAddress(),
		User: &messages.PublicUser{Id: me.GetId(), Name: me.GetName(), Profile: me.GetProfile()},
	})
	return c, gone(err)
}

// DeclineInvitation ends it.
func (s *Service) DeclineInvitation(ctx context.Context, m *messages.Meta, token string) error {
	project, id, err := s.tokens.ParseLink(messages.LinkInvitation, token)
	if err != nil {
		return err
	}
	me, err := s.me(ctx, m)
	if err != nil {
		return err
	}
	_, err = s.projects.DeclineInvitation(ctx, &messages.DeclineInvitation{Meta: m, ProjectId: project, InvitationId: id, Email: me.GetAddress()})
	return gone(err)
}

// MyInvitations are those that wait for the caller's address, with the tokens of
// their links by their ids, which he could have from his mail.
func (s *Service) MyInvitations(ctx context.Context, m *messages.Meta) (list []*messages.Invitation, tokens map[string]string, err error) {
	me, err := s.me(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	list, err = s.invitations.ListInvitations(ctx, me.GetAddress(), s.now(), mostInvitations)
	tokens = make(map[string]string, len(list))
	for _, i := range list {
		token, failed := s.tokens.MintLink(messages.LinkInvitation, i.GetProjectId(), i.GetId())
		if failed != nil {
			return nil, nil, failed
		}
		tokens[i.GetId()] = token
	}
	return list, tokens, err
}

const (
	mostInvitations = 100         // shown to one user
	addressTime     = time.Second // for the address of one who is removed
)

// OfferOwnership offers a project to another user, who gets a mail.
func (s *Service) OfferOwnership(ctx context.Context, m *messages.Meta, project, user string) (offered *messages.Project, err error) {
	me, err := s.me(ctx, m)
	if err != nil {
		return nil, err
	}
	c := &messages.OfferOwnership{Meta: m, ProjectId: project, UserId: user, Inviter: me.GetName()}
	his, err := s.his(ctx, m, user)
	if err != nil {
		return nil, err
	}
	if his.GetStatus() == "active" { // else the project says so, to who may offer it
		c.Email, c.Name = his.GetAddress(), his.GetName()
	}
	err = s.mail(ctx, m, mailOffer, user, func() (err error) {
		offered, err = s.projects.OfferOwnership(ctx, c)
		return err
	})
	return offered, err
}

// his is another one's account, or nil. His address is for his mail and his invitations,
// and told to nobody.
func (s *Service) his(ctx context.Context, m *messages.Meta, user string) (*messages.Account, error) {
	to := meta(m)
	to.Principal, to.SessionId, to.Roles = user, "", nil
	his, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: to, UserId: user})
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil, nil
	}
	return his, err
}

// RemoveCollaborator takes a user out of a project, and with him the invitations that
// wait for his address. He is removed too where his account cannot be asked for it.
func (s *Service) RemoveCollaborator(ctx context.Context, m *messages.Meta, project, user string) error {
	asked, cancel := context.WithTimeout(ctx, addressTime)
	defer cancel()
	his, _ := s.his(asked, m, user)
	_, err := s.projects.RemoveCollaborator(ctx, &messages.RemoveCollaborator{Meta: m, ProjectId: project, UserId: user, Email: his.GetAddress()})
	return err
}
