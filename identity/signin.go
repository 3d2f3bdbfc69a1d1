package identity

import (
	"context"

	"atelier/messages"
)

// SignIn opens a session. An unknown address and a wrong password are the same
// refusal after the same work.
func (s *Service) SignIn(ctx context.Context, m *messages.Meta, c Credentials) (*Tokens, error) {
	credential, err := s.proveOnce(ctx, c)
	if err != nil {
		return nil, err
	}
	as := meta(m)
	as.Principal = credential.GetUserId()
	session, err := s.accounts.OpenSession(ctx, &messages.OpenSession{
		Meta: as, UserId: credential.GetUserId(), SessionId: newID(), CredentialVersion: credential.GetCredentialVersion(),
		Ip: c.IP, UserAgent: c.UserAgent, Amr: []string{"pwd"}, LifetimeUs: s.config.SessionLifetime.Microseconds(),
	})
	if err != nil {
		return nil, err
	}
	tokens, err := s.issue(ctx, as, session, 0)
	if err == nil {
		tokens.Device = s.attempts.newDevice(credential.GetUserId())
	}
	return tokens, err
}

// prove compares a password with the address's own.
func (s *Service) prove(ctx context.Context, email, password string) (*messages.Credential, error) {
	credential, err := s.directory.FindCredential(ctx, email)
	if err != nil {
		return nil, err
	}
	if credential.GetPasswordHash() == "" { // nobody has the address, or he has yet to set a password
		if err := s.passwords.VerifyNothing(ctx, password); err != nil {
			return nil, err
		}
		return nil, wrongCredentials()
	}
	ok, err := s.passwords.Verify(ctx, credential.GetPasswordHash(), password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wrongCredentials()
	}
	return credential, nil
}

func wrongCredentials() error {
	return messages.Refuse(messages.CodeInvalidCredentials, "e-mail or password is wrong")
}

// Refresh exchanges a refresh token for a new pair. The parent presented again
// gets the same child; a stolen one ends the session.
func (s *Service) Refresh(ctx context.Context, m *messages.Meta, token, ip, userAgent string) (*Tokens, error) {
	sessionID, generation, err := s.tokens.ParseRefresh(token)
	if err != nil {
		return nil, err
	}
	refreshed, err := s.sessions.RefreshSession(ctx, &messages.RefreshSession{
		Meta: meta(m), SessionId: sessionID, Generation: generation, Ip: ip, UserAgent: userAgent,
	})
	switch {
	case messages.HasCode(err, messages.CodeNotFound):
		return nil, ended()
	case messages.HasCode(err, messages.CodeTokenReused):
		return nil, s.reportTheft(ctx, m, sessionID)
	case err != nil:
		return nil, err
	}
	session := refreshed.GetSession()
	as := meta(m)
	as.Principal = session.GetUserId()
	return s.issue(ctx, as, session, refreshed.GetGeneration())
}

// reportTheft has the account end a session whose refresh token was stolen.
// Where that fails, the token presented again is theft again.
func (s *Service) reportTheft(ctx context.Context, m *messages.Meta, sessionID string) error {
	session, err := s.sessions.GetSession(ctx, &messages.GetSession{Meta: meta(m), SessionId: sessionID})
	if err != nil {
		return err
	}
	as := meta(m)
	as.Principal = session.GetUserId()
	_, err = s.accounts.EndSession(ctx, &messages.EndSession{
		Meta: as, UserId: session.GetUserId(), SessionId: sessionID, Reason: messages.EndedByReuse,
	})
	if err != nil {
		return err
	}
	return ended()
}

func ended() error {
	return messages.Refuse(messages.CodeSessionRevoked, "the session has ended")
}

// issue makes the token pair of a session's generation, for an account that may
// still sign in.
func (s *Service) issue(ctx context.Context, as *messages.Meta, session *messages.Session, generation uint32) (*Tokens, error) {
	account, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: meta(as), UserId: session.GetUserId(), SessionId: session.GetId()})
	if err != nil {
		return nil, err
	}
	if err := usable(account, session); err != nil {
		return nil, err
	}
	access, expires, err := s.tokens.MintAccess(session.GetUserId(), session.GetId())
	if err != nil {
		return nil, err
	}
	refresh, err := s.tokens.MintRefresh(session.GetId(), generation, messages.Time(session.GetCreatedAt()))
	if err != nil {
		return nil, err
	}
	return &Tokens{
		AccessToken: access, ExpiresIn: expires.Sub(s.now()), RefreshToken: refresh, SessionID: session.GetId(), Account: account,
	}, nil
}

// SignOut ends the caller's session.
func (s *Service) SignOut(ctx context.Context, m *messages.Meta) error {
	_, err := s.accounts.EndSession(ctx, &messages.EndSession{
		Meta: meta(m), UserId: m.GetPrincipal(), SessionId: m.GetSessionId(), Reason: messages.EndedByLogout,
	})
	return err
}
