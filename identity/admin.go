package identity

import (
	"context"

	"atelier/messages"
)

// CreateUser makes a pending user for an administrator. His mail has a link that sets
// the password and makes him active.
func (s *Service) CreateUser(ctx context.Context, m *messages.Meta, email, name string, roles []string) (made *messages.Account, err error) {
	err = s.mailFor(ctx, mailRegistration, email, func() (err error) {
		made, err = s.accounts.RegisterAccount(ctx, &messages.RegisterAccount{
			Meta: m, UserId: newID(), Email: email, Name: name, Roles: roles, LinkId: newID(), Invited: true,
		})
		return err
	})
	return made, err
}

// ResendMail mails a pending user again the link that he needs.
func (s *Service) ResendMail(ctx context.Context, m *messages.Meta, user string) error {
	return s.mailFor(ctx, mailVerification, user, func() error {
		_, err := s.accounts.RequestVerification(ctx, &messages.RequestVerification{Meta: m, UserId: user, LinkId: newID()})
		return err
	})
}
