package identity

import (
	"context"

	"atelier/messages"
)

// Reauthenticate has the user prove again who he is: for a while his session may
// change what the account hangs on.
func (s *Service) Reauthenticate(ctx context.Context, m *messages.Meta, password string) (*messages.Session, error) {
	if _, err := s.proveAgain(ctx, m, password); err != nil {
		return nil, err
	}
	return s.sessions.StepUp(ctx, &messages.StepUp{Meta: meta(m), SessionId: m.GetSessionId()})
}

// proveAgain compares a password with the caller's own.
func (s *Service) proveAgain(ctx context.Context, m *messages.Meta, password string) (*messages.Account, error) {
	account, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: meta(m), UserId: m.GetPrincipal()})
	if err != nil {
		return nil, err
	}
	try, err := s.attempts.again(ctx, m.GetSessionId())
	if err != nil {
		return nil, err
	}
	credential, err := s.prove(ctx, account.GetEmail(), password)
	if messages.HasCode(err, messages.CodeInvalidCredentials) {
		return nil, messages.Refuse(messages.CodeInvalidCredentials, "the current password is wrong")
	}
	if back := try.takeBack(ctx); err == nil {
		err = back
	}
	if err != nil {
		return nil, err
	}
	account.CredentialVersion = credential.GetCredentialVersion() // what was proved, whatever it is by now
	return account, nil
}

// steppedUp refuses sessions whose user has not proved lately who he is.
func (s *Service) steppedUp(ctx context.Context, m *messages.Meta) error {
	session, err := s.sessions.GetSession(ctx, &messages.GetSession{Meta: meta(m), SessionId: m.GetSessionId()})
	if err != nil {
		return err
	}
	if !s.now().Before(messages.Time(session.GetSteppedUpUntil())) {
		return messages.Refuse(messages.CodeStepUpRequired, "prove again who you are: POST /api/v1/auth/reauthenticate")
	}
	return nil
}

// ChangeEmail asks both addresses to confirm a change.
func (s *Service) ChangeEmail(ctx context.Context, m *messages.Meta, email string) error {
	if err := s.steppedUp(ctx, m); err != nil {
		return err
	}
	return s.mail(ctx, m, mailNewAddress, email, func() error {
		_, err := s.accounts.ChangeEmail(ctx, &messages.ChangeEmail{
			Meta: m, UserId: m.GetPrincipal(), NewEmail: email, LinkId: newID(), NewLinkId: newID(),
		})
		return err
	})
}

// ConfirmEmail uses the link of one of the two addresses; with the second one the
// address changes.
func (s *Service) ConfirmEmail(ctx context.Context, m *messages.Meta, token string) (changed bool, err error) {
	user, link, err := s.tokens.ParseLink(messages.LinkConfirmEmail, token)
	if err != nil {
		return false, err
	}
	c, err := s.accounts.ConfirmEmail(ctx, &messages.ConfirmEmail{Meta: meta(m), UserId: user, LinkId: link})
	return c.GetChanged(), gone(err)
}
