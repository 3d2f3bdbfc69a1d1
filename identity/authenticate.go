package identity

import (
	"context"
	"time"

	"atelier/messages"
)

// Validated remembers for which tokens the truth was asked, until a revocation
// takes the user or the session away.
type Validated interface {
	// Get is the principal of a token that was validated and not revoked since.
	Get(token string) (*Principal, bool)
	// Begin registers that the truth is about to be asked. Keep stores the
	// answer, unless a revocation came in between, which it reports as false;
	// drop ends the registration when there is nothing to keep.
	Begin(token, userID, sessionID string) (keep func(p *Principal, expires time.Time) bool, drop func())
}

// Authenticate tells whom an access token speaks for. The first time it asks the
// session and the account; later a table answers, from which revocations remove
// what they concern. Registered before the truth is asked, an answer that a
// revocation overtook is thrown away and asked again.
func (s *Service) Authenticate(ctx context.Context, token string) (*Principal, error) {
	if p, ok := s.validated.Get(token); ok {
		return p, nil
	}
	userID, sessionID, _, err := s.tokens.VerifyAccess(token)
	if err != nil {
		return nil, err
	}
	for {
		keep, drop := s.validated.Begin(token, userID, sessionID)
		_, _, expires, err := s.tokens.VerifyAccess(token) // again: its key may just have been retired
		if err != nil {
			drop()
			return nil, err
		}
		p, err := s.validate(ctx, userID, sessionID)
		if err != nil {
			drop()
			return nil, err
		}
		if p.Expires = expires; p.Ends.Before(expires) {
			p.Expires = p.Ends
		}
		if keep(p, p.Expires) {
			return p, nil
		}
	}
}

// Standing asks whether a session that was authenticated before is still good, for
// connections that outlive a request. Nothing is remembered of the answer.
func (s *Service) Standing(ctx context.Context, userID, sessionID string) (*Principal, error) {
	return s.validate(ctx, userID, sessionID)
}

func (s *Service) validate(ctx context.Context, userID, sessionID string) (*Principal, error) {
	as := &messages.Meta{Principal: userID, SessionId: sessionID}
	session, err := s.sessions.GetSession(ctx, &messages.GetSession{Meta: as, SessionId: sessionID})
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil, ended()
	}
	if err != nil {
		return nil, err
	}
	account, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: meta(as), UserId: userID, SessionId: sessionID})
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil, ended()
	}
	if err != nil {
		return nil, err
	}
	if err := usable(account, session); err != nil {
		return nil, err
	}
	return &Principal{UserID: userID, SessionID: sessionID, Roles: account.GetRoles(), Ends: messages.Time(session.GetExpiresAt())}, nil
}

// usable refuses sessions of accounts that may not act, and sessions that were
// opened before everything was revoked.
func usable(account *messages.Account, session *messages.Session) error {
	switch account.GetStatus() {
	case "suspended":
		return messages.Refuse(messages.CodeUserSuspended, "the account is suspended")
	case "inactive":
		return messages.Refuse(messages.CodeUserInactive, "the account is deactivated")
	case "pending":
		return messages.Refuse(messages.CodeEmailUnverified, "the e-mail address is not verified yet")
	}
	if session.GetUserId() != account.GetId() || session.GetAuthEpoch() != account.GetAuthEpoch() {
		return ended()
	}
	return nil
}
