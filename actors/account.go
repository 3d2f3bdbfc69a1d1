package actors

import (
	"context"
	"time"

	"atelier/actors/account"
	"atelier/actors/store"
	"atelier/messages"
)

// Accounts asks account entities.
type Accounts struct{ caller Caller }

// NewAccounts makes the client of account entities.
func NewAccounts(c Caller) *Accounts { return &Accounts{c} }

// RegisterAccount creates the account under the command's id.
func (a *Accounts) RegisterAccount(ctx context.Context, c *messages.RegisterAccount) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// RegisterAgain is a registration for an address that has an account.
func (a *Accounts) RegisterAgain(ctx context.Context, c *messages.RegisterAgain) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// RequestVerification has the link that proves the address mailed again.
func (a *Accounts) RequestVerification(ctx context.Context, c *messages.RequestVerification) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// WelcomeUser mails a word of welcome.
func (a *Accounts) WelcomeUser(ctx context.Context, c *messages.WelcomeUser) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// VerifyEmail uses that link.
func (a *Accounts) VerifyEmail(ctx context.Context, c *messages.VerifyEmail) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// RequestPasswordReset has a link mailed that sets a new password.
func (a *Accounts) RequestPasswordReset(ctx context.Context, c *messages.RequestPasswordReset) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ResetPassword uses that link; all sessions end.
func (a *Accounts) ResetPassword(ctx context.Context, c *messages.ResetPassword) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ChangeEmail has both addresses asked to confirm a change.
func (a *Accounts) ChangeEmail(ctx context.Context, c *messages.ChangeEmail) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ConfirmEmail uses the link of one of them.
func (a *Accounts) ConfirmEmail(ctx context.Context, c *messages.ConfirmEmail) (*messages.EmailConfirmation, error) {
	return ask[*messages.EmailConfirmation](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// OpenSession begins a session.
func (a *Accounts) OpenSession(ctx context.Context, c *messages.OpenSession) (*messages.Session, error) {
	return ask[*messages.Session](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// EndSession ends one session.
func (a *Accounts) EndSession(ctx context.Context, c *messages.EndSession) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// EndOtherSessions ends all sessions but one.
func (a *Accounts) EndOtherSessions(ctx context.Context, c *messages.EndOtherSessions) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// UpdateAccount changes name and profile.
func (a *Accounts) UpdateAccount(ctx context.Context, c *messages.UpdateAccount) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// UpdatePreferences merges a patch into the preferences.
func (a *Accounts) UpdatePreferences(ctx context.Context, c *messages.UpdatePreferences) (*messages.Preferences, error) {
	return ask[*messages.Preferences](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ChangePassword sets a new password and ends the other sessions.
func (a *Accounts) ChangePassword(ctx context.Context, c *messages.ChangePassword) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// SetRoles gives the user roles in the installation.
func (a *Accounts) SetRoles(ctx context.Context, c *messages.SetRoles) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ActivateUser moves a pending user to active.
func (a *Accounts) ActivateUser(ctx context.Context, c *messages.ActivateUser) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// SuspendUser suspends a user.
func (a *Accounts) SuspendUser(ctx context.Context, c *messages.SuspendUser) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// ReactivateUser ends a suspension or deactivation.
func (a *Accounts) ReactivateUser(ctx context.Context, c *messages.ReactivateUser) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// DeactivateUser deactivates a user and ends his sessions.
func (a *Accounts) DeactivateUser(ctx context.Context, c *messages.DeactivateUser) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// DeleteAccount takes away who the user was.
func (a *Accounts) DeleteAccount(ctx context.Context, c *messages.DeleteAccount) (*messages.Done, error) {
	return ask[*messages.Done](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// GetAccount reads the account.
func (a *Accounts) GetAccount(ctx context.Context, c *messages.GetAccount) (*messages.Account, error) {
	return ask[*messages.Account](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// GetPreferences reads the preferences.
func (a *Accounts) GetPreferences(ctx context.Context, c *messages.GetPreferences) (*messages.Preferences, error) {
	return ask[*messages.Preferences](ctx, a.caller, store.Account, c.GetUserId(), c)
}

// AddAccounts makes the runtime a home of account entities.
func AddAccounts(r *Runtime, claimer store.Claimer[*account.State]) {
	r.Add(newKind(r, spec[*account.State]{
		name: store.Account, claimer: claimer, empty: func() *account.State { return &account.State{} },
		stream: account.Stream, changes: account.Changes, receive: receiveAccount,
		creates: func(c messages.Command) bool { _, ok := c.(*messages.RegisterAccount); return ok },
	}))
}

func receiveAccount(t turn[*account.State], c messages.Command) {
	switch c := c.(type) {
	case *messages.RegisterAccount:
		write(t, c, account.Register, user)
	case *messages.RegisterAgain:
		write(t, c, account.RegisterAgain, done)
	case *messages.RequestVerification:
		write(t, c, account.RequestVerification, done)
	case *messages.WelcomeUser:
		write(t, c, account.Welcome, done)
	case *messages.VerifyEmail:
		write(t, c, account.VerifyEmail, user)
	case *messages.RequestPasswordReset:
		write(t, c, account.RequestPasswordReset, done)
	case *messages.ResetPassword:
		write(t, c, account.ResetPassword, done)
	case *messages.ChangeEmail:
		write(t, c, account.ChangeEmail, done)
	case *messages.ConfirmEmail:
		write(t, c, account.ConfirmEmail, account.Confirmed)
	case *messages.OpenSession:
		write(t, c, account.Open, account.Opened)
	case *messages.EndSession:
		write(t, c, account.End, done)
	case *messages.EndOtherSessions:
		write(t, c, account.EndOthers, done)
	case *messages.UpdateAccount:
		write(t, c, account.Update, user)
	case *messages.UpdatePreferences:
		write(t, c, account.UpdatePreferences, account.Merged)
	case *messages.ChangePassword:
		write(t, c, account.ChangePassword, done)
	case *messages.SetRoles:
		write(t, c, account.SetRoles, user)
	case *messages.ActivateUser:
		write(t, c, account.Activate, user)
	case *messages.SuspendUser:
		write(t, c, account.Suspend, user)
	case *messages.ReactivateUser:
		write(t, c, account.Reactivate, user)
	case *messages.DeactivateUser:
		write(t, c, account.Deactivate, user)
	case *messages.DeleteAccount:
		write(t, c, account.Delete, done)
	case *messages.GetAccount:
		read(t, c, account.View)
	case *messages.GetPreferences:
		read(t, c, account.Preferences)
	default:
		t.unknown(c)
	}
}

func user[C messages.Command](s *account.State, _ C, now time.Time) *messages.Account {
	return account.ResourceAt(s, now)
}
