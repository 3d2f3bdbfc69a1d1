package identity

import (
	"context"

	"atelier/messages"
)

// Register creates an account. A weak password is refused before anything is
// hashed. Where addresses are proved there is no account to show, whether the
// address had one or not; else a taken one is refused with CodeEmailTaken.
func (s *Service) Register(ctx context.Context, m *messages.Meta, r Registration) (*messages.Account, error) {
	if s.config.Verification {
		return nil, s.registerUnproved(ctx, m, r)
	}
	return s.register(ctx, m, r)
}

// RegisterWithRoles is Register for operators: it also gives roles, and takes their
// word for the address.
func (s *Service) RegisterWithRoles(ctx context.Context, m *messages.Meta, r Registration, roles ...string) (*messages.Account, error) {
	return s.register(ctx, m, r, roles...)
}

func (s *Service) register(ctx context.Context, m *messages.Meta, r Registration, roles ...string) (*messages.Account, error) {
	hash, err := s.hashed(ctx, r.Password, r.Name, r.Email)
	if err != nil {
		return nil, err
	}
	return s.accounts.RegisterAccount(ctx, &messages.RegisterAccount{
		Meta: meta(m), UserId: newID(), Email: r.Email, Name: r.Name, PasswordHash: hash, Activate: true, Roles: roles,
	})
}

// ChangePassword sets a new password after the current one was proved, and ends
// the caller's other sessions.
func (s *Service) ChangePassword(ctx context.Context, m *messages.Meta, current, next string) error {
	account, err := s.proveAgain(ctx, m, current)
	if err != nil {
		return err
	}
	hash, err := s.hashed(ctx, next, account.GetName(), account.GetEmail())
	if err != nil {
		return err
	}
	_, err = s.accounts.ChangePassword(ctx, &messages.ChangePassword{
		Meta: meta(m), UserId: m.GetPrincipal(), CredentialVersion: account.GetCredentialVersion(),
		PasswordHash: hash, KeepSessionId: m.GetSessionId(),
	})
	return err
}
