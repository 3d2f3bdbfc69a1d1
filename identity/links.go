package identity

import (
	"context"
	"sync"

	"atelier/messages"
)

// Post writes down what an address asks for, whether it has an account or not: what
// comes of it is decided behind the reply, which so tells nothing, in no other time.
type Post interface {
	Ask(ctx context.Context, m *messages.Meta, what, address string) error
}

// registerUnproved registers an address that has yet to be proved. One that nobody
// has and one that somebody has cost the same: one hash, one commit, one mail.
func (s *Service) registerUnproved(ctx context.Context, m *messages.Meta, r Registration) error {
	return s.mail(ctx, m, mailRegistration, r.Email, func() error { return s.registerOnce(ctx, m, r) })
}

func (s *Service) registerOnce(ctx context.Context, m *messages.Meta, r Registration) error {
	hash, err := s.hashed(ctx, r.Password, r.Name, r.Email)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		known, err := s.directory.FindCredential(ctx, r.Email)
		if err != nil {
			return err
		}
		if known == nil {
			_, err = s.accounts.RegisterAccount(ctx, &messages.RegisterAccount{
				Meta: meta(m), UserId: newID(), Email: r.Email, Name: r.Name, PasswordHash: hash, LinkId: newID(),
			})
		} else {
			_, err = s.accounts.RegisterAgain(ctx, &messages.RegisterAgain{
				Meta: meta(m), UserId: known.GetUserId(), Name: r.Name, PasswordHash: hash, LinkId: newID(),
			})
		}
		meanwhile := messages.HasCode(err, messages.CodeEmailTaken) || messages.HasCode(err, messages.CodeNotFound)
		if !meanwhile || try == 2 {
			return err
		}
	}
}

// hashed is the hash of a password that may be chosen.
func (s *Service) hashed(ctx context.Context, password, name, email string) (string, error) {
	if err := s.policy(password, name, email); err != nil {
		return "", err
	}
	return s.passwords.Hash(ctx, password)
}

// VerifyEmail uses the link that proves an address.
func (s *Service) VerifyEmail(ctx context.Context, m *messages.Meta, token string) (*messages.Account, error) {
	user, link, err := s.tokens.ParseLink(messages.LinkVerify, token)
	if err != nil {
		return nil, err
	}
	account, err := s.accounts.VerifyEmail(ctx, &messages.VerifyEmail{Meta: meta(m), UserId: user, LinkId: link})
	return account, gone(err)
}

// gone makes the end of an account that of its links.
func gone(err error) error {
	if messages.HasCode(err, messages.CodeNotFound) {
		return messages.UsedUp()
	}
	return err
}

// ResendVerification has the link mailed again, to an address that has one to use.
func (s *Service) ResendVerification(ctx context.Context, m *messages.Meta, email string) error {
	return s.mail(ctx, m, mailVerification, email, func() error { return s.post.Ask(ctx, m, messages.AskVerification, email) })
}

// ForgotPassword has a link mailed that sets a new password, to an address that has
// an account.
func (s *Service) ForgotPassword(ctx context.Context, m *messages.Meta, email string) error {
	return s.mail(ctx, m, mailReset, email, func() error { return s.post.Ask(ctx, m, messages.AskPasswordReset, email) })
}

// Answer carries out what an address asked for. Carried out again under the same
// command id it has no further effect.
func (s *Service) Answer(ctx context.Context, m *messages.Meta, what, address string) error {
	known, err := s.directory.FindCredential(ctx, address)
	if err != nil || known == nil {
		return err
	}
	switch what {
	case messages.AskVerification:
		_, err = s.accounts.RequestVerification(ctx, &messages.RequestVerification{Meta: m, UserId: known.GetUserId(), LinkId: newID()})
	case messages.AskPasswordReset:
		_, err = s.accounts.RequestPasswordReset(ctx, &messages.RequestPasswordReset{Meta: m, UserId: known.GetUserId(), LinkId: newID()})
	}
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil
	}
	return err
}

// ResetPassword uses a link to set a new password; all sessions end. Of those who use
// one link at one time each waits for the one before, and nothing is hashed for a link
// that is no good any more.
func (s *Service) ResetPassword(ctx context.Context, m *messages.Meta, token, password string) error {
	user, link, err := s.tokens.ParseLink(messages.LinkReset, token)
	if err != nil {
		return err
	}
	leave, err := s.resets.take(ctx, link)
	if err != nil {
		return err
	}
	defer leave()
	as := meta(m)
	as.Principal = user
	account, err := s.accounts.GetAccount(ctx, &messages.GetAccount{Meta: as, UserId: user, ResetLinkId: link})
	if err != nil {
		return gone(err)
	}
	hash, err := s.hashed(ctx, password, account.GetName(), account.GetEmail())
	if err != nil {
		return err
	}
	_, err = s.accounts.ResetPassword(ctx, &messages.ResetPassword{Meta: meta(m), UserId: user, LinkId: link, PasswordHash: hash})
	return gone(err)
}

// turns lets those who want the same thing have it one after another.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the one who has it leaves
}

// take waits for its turn, until ctx ends.
func (t *turns) take(ctx context.Context, key string) (leave func(), err error) {
	for {
		t.mu.Lock()
		taken, busy := t.busy[key]
		if !busy {
			if t.busy == nil {
				t.busy = make(map[string]chan struct{})
			}
			mine := make(chan struct{})
			t.busy[key] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.busy, key)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
		}
	}
}
