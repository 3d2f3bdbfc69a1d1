package identity

import (
	"context"

	"atelier/messages"
)

// Register creates an account. A weak password is refused before anything is
// hashed, a taken address with CodeEmailTaken.
func (s *Service) Register(ctx context.Context, m *messages.Meta, r Registration) (*messages.Account, error) {
	return s.register(ctx, m, r, nil)
}

// RegisterWithRoles is Register for operators: it also gives roles.
func (s *Service) RegisterWithRoles(ctx context.Context, m *messages.Meta, r Registration, roles ...string) (*messages.Account, error) {
	return s.register(ctx, m, r, roles)
}

func (s *Service) register(ctx context.Context, m *messages.Meta, r Registration, roles []string) (*messages.Account, error) {
	if err := s.policy(r.Password, r.Name, r.Email); err != nil {
		return nil, err
	}
	hash, err := s.passwords.Hash(ctx, r.Password)
	if err != nil {
		return nil, err
	}
	return s.accounts.RegisterAccount(ctx, &messages.RegisterAccount{
		Meta: meta(m), UserId: newID(), Email: r.Email, Name: r.Name, PasswordHash: hash,
		Activate: !s.config.Verification, Roles: roles,
	})
}

// ChangePassword sets a new password after the current one was proved, and ends
// the caller's other sessions.
func (s *Service) ChangePassword(ctx context.Context, m *messages.Meta, current, next string) error {
	as := meta(m)
	account, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: as, UserId: m.GetPrincipal()})
	if err != nil {
		return err
	}
	credential, err := s.prove(ctx, account.GetEmail(), current)
	if messages.HasCode(err, messages.CodeInvalidCredentials) {
		return messages.Refuse(messages.CodeInvalidCredentials, "the current password is wrong")
	}
	if err != nil {
		return err
	}
	if err := s.policy(next, account.GetName(), account.GetEmail()); err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.accounts.ChangePassword(ctx, &messages.ChangePassword{
		Meta: meta(m), UserId: m.GetPrincipal(), CredentialVersion: credential.GetCredentialVersion(),
		PasswordHash: hash, KeepSessionId: m.GetSessionId(),
	})
	return err
}
