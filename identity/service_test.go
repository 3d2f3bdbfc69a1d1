package identity_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity"
	"atelier/identity/token"
	"atelier/messages"
)

// What the flows do with whom they ask. That it holds with real entities and
// real databases is shown where the program is tested.

var sessionEnd = time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)

const (
	userID    = "0190a000-0000-7000-8000-000000000001"
	sessionID = "0190a000-0000-7000-8000-000000000002"
)

// world answers for everyone that the flows ask.
type world struct {
	identity.Accounts
	identity.Sessions
	identity.Mint
	account    *messages.Account
	session    *messages.Session
	credential *messages.Credential
	hashes     atomic.Int32 // hashed or compared
	nothings   atomic.Int32 // of them for addresses that nobody has
	asked      atomic.Int32 // looks at the session
	onSession  func(look int32)
	opened     *messages.OpenSession
	changed    *messages.ChangePassword
	registered *messages.RegisterAccount
	ended      *messages.EndSession
	verify     func() error // nil: all tokens are good
	again      *messages.RegisterAgain
	forgot     *messages.RequestPasswordReset
	stepped    *messages.StepUp
	moving     *messages.ChangeEmail
	asks       []string
	lookups    atomic.Int32 // of an address
	away       error        // instead of an end
}

func (w *world) FindCredential(context.Context, string) (*messages.Credential, error) {
	w.lookups.Add(1)
	return w.credential, nil
}

func (w *world) Ask(_ context.Context, _ *messages.Meta, what, _ string) error {
	w.asks = append(w.asks, what)
	return nil
}

func (w *world) RegisterAgain(_ context.Context, c *messages.RegisterAgain) (*messages.Done, error) {
	w.again = c
	return &messages.Done{}, nil
}

func (w *world) RequestVerification(context.Context, *messages.RequestVerification) (*messages.Done, error) {
	return &messages.Done{}, nil
}

func (w *world) RequestPasswordReset(_ context.Context, c *messages.RequestPasswordReset) (*messages.Done, error) {
	w.forgot = c
	return &messages.Done{}, nil
}

func (w *world) StepUp(_ context.Context, c *messages.StepUp) (*messages.Session, error) {
	w.stepped = c
	return w.session, nil
}

func (w *world) ChangeEmail(_ context.Context, c *messages.ChangeEmail) (*messages.Done, error) {
	w.moving = c
	return &messages.Done{}, nil
}

func (w *world) Hash(context.Context, string) (string, error) { w.hashes.Add(1); return "hash", nil }

func (w *world) Verify(_ context.Context, hash, password string) (ok bool, err error) {
	w.hashes.Add(1)
	return hash == password, nil
}

func (w *world) VerifyNothing(context.Context, string) error {
	w.hashes.Add(1)
	w.nothings.Add(1)
	return nil
}

func (w *world) GetAccount(context.Context, *messages.GetAccount) (*messages.Account, error) {
	return w.account, nil
}

func (w *world) GetSession(context.Context, *messages.GetSession) (*messages.Session, error) {
	look := w.asked.Add(1)
	session := w.session
	if w.onSession != nil {
		w.onSession(look)
	}
	if session == nil {
		return nil, messages.Missing("session")
	}
	return session, nil
}

func (w *world) OpenSession(_ context.Context, c *messages.OpenSession) (*messages.Session, error) {
	w.opened = c
	return w.session, nil
}

func (w *world) ChangePassword(_ context.Context, c *messages.ChangePassword) (*messages.Done, error) {
	w.changed = c
	return &messages.Done{}, nil
}

func (w *world) RegisterAccount(_ context.Context, c *messages.RegisterAccount) (*messages.Account, error) {
	w.registered = c
	return w.account, nil
}

func (w *world) MintAccess(string, string) (string, time.Time, error) {
	return "access", time.Now().Add(time.Minute), nil
}

func (w *world) VerifyAccess(string) (user, session string, expires time.Time, err error) {
	if w.verify != nil {
		err = w.verify()
	}
	if err != nil {
		return "", "", expires, err
	}
	return userID, sessionID, time.Now().Add(time.Minute), nil
}

func (w *world) MintRefresh(_ string, generation uint32, _ time.Time) (string, error) {
	return fmt.Sprintf("refresh-%d", generation), nil
}

// ParseRefresh reads the tokens that the tests name: the parent of generation 4,
// and one that was used too long ago.
func (w *world) ParseRefresh(token string) (session string, generation uint32, err error) {
	if token == "stolen" {
		return sessionID, 1, nil
	}
	return sessionID, 4, nil
}

func (w *world) RefreshSession(_ context.Context, c *messages.RefreshSession) (*messages.Refreshed, error) {
	if c.GetGeneration() == 1 {
		return nil, messages.Refuse(messages.CodeTokenReused, "used before")
	}
	return &messages.Refreshed{Session: w.session, Generation: c.GetGeneration() + 1}, nil
}

func (w *world) EndSession(_ context.Context, c *messages.EndSession) (*messages.Done, error) {
	w.ended = c
	return &messages.Done{}, w.away
}

func newWorld() *world {
	return &world{
		account:    &messages.Account{Id: userID, Email: "ada@example.com", Name: "Ada", Status: "active", Roles: []string{"user"}, AuthEpoch: 1},
		session:    &messages.Session{Id: sessionID, UserId: userID, AuthEpoch: 1, ExpiresAt: messages.Micros(sessionEnd)},
		credential: &messages.Credential{UserId: userID, PasswordHash: "right", CredentialVersion: 7},
	}
}

func (w *world) service(validated identity.Validated) *identity.Service {
	return identity.New(identity.Config{SessionLifetime: time.Hour}, identity.Deps{
		Accounts: w, Sessions: w, Directory: w, Passwords: w, Tokens: w, Validated: validated, Now: time.Now,
		Policy: func(password, _, _ string) error {
			if password == "weak" {
				return messages.Refuse(messages.CodeWeakPassword, "weak")
			}
			return nil
		},
	})
}

func TestAWrongPasswordCostsWhatAnUnknownAddressDoes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := w.service(nil)
	_, wrong := s.SignIn(t.Context(), &messages.Meta{}, identity.Credentials{Email: "ada@example.com", Password: "wrong"})
	require.True(t, messages.HasCode(wrong, messages.CodeInvalidCredentials))
	require.EqualValues(t, 1, w.hashes.Load())
	w.credential = nil
	_, unknown := s.SignIn(t.Context(), &messages.Meta{}, identity.Credentials{Email: "eve@example.com", Password: "wrong"})
	require.Equal(t, wrong, unknown)
	require.EqualValues(t, 2, w.hashes.Load(), "an unknown address is hashed for too")
	require.EqualValues(t, 1, w.nothings.Load())
	require.Nil(t, w.opened)
}

// TestSessionsAreOpenedForThePasswordThatWasChecked: the account gets its
// version, and so refuses a sign-in that a change overtook.
func TestSessionsAreOpenedForThePasswordThatWasChecked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := w.service(nil)
	_, err := s.SignIn(t.Context(), &messages.Meta{}, identity.Credentials{Password: "right", IP: "::1"})
	require.NoError(t, err)
	require.EqualValues(t, 7, w.opened.GetCredentialVersion())
	require.Equal(t, userID, w.opened.GetMeta().GetPrincipal())
	me := &messages.Meta{Principal: userID, SessionId: sessionID}
	err = s.ChangePassword(t.Context(), me, "wrong", "next")
	require.True(t, messages.HasCode(err, messages.CodeInvalidCredentials))
	require.ErrorContains(t, err, "the current password is wrong", "the address was not asked for")
	require.Nil(t, w.changed)
	require.NoError(t, s.ChangePassword(t.Context(), me, "right", "next"))
	require.EqualValues(t, 7, w.changed.GetCredentialVersion())
	require.Equal(t, sessionID, w.changed.GetKeepSessionId())
	require.NotEqual(t, w.opened.GetMeta().GetCommandId(), w.changed.GetMeta().GetCommandId())
}

func TestNothingIsHashedForAWeakPassword(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := w.service(nil)
	_, err := s.Register(t.Context(), &messages.Meta{}, identity.Registration{Password: "weak"})
	require.True(t, messages.HasCode(err, messages.CodeWeakPassword))
	require.Zero(t, w.hashes.Load())
	_, err = s.Register(t.Context(), &messages.Meta{}, identity.Registration{Password: "strong"})
	require.NoError(t, err)
	require.True(t, w.registered.GetActivate(), "without verification users are born active")
	require.Empty(t, w.registered.GetRoles())
}

func TestWhereAddressesAreProvedUsersAreBornPending(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := identity.New(identity.Config{Verification: true}, identity.Deps{Accounts: w, Directory: w, Passwords: w, Policy: func(string, string, string) error { return nil }})
	known := w.credential
	w.credential = nil
	account, err := s.Register(t.Context(), &messages.Meta{}, identity.Registration{Password: "strong"})
	require.NoError(t, err)
	require.Nil(t, account, "there is none to show")
	require.False(t, w.registered.GetActivate())
	require.NotEmpty(t, w.registered.GetLinkId())
	require.EqualValues(t, 1, w.hashes.Load())

	w.credential, w.registered = known, nil
	account, err = s.Register(t.Context(), &messages.Meta{}, identity.Registration{Name: "Eve", Password: "strong"})
	require.NoError(t, err)
	require.Nil(t, account)
	require.Nil(t, w.registered)
	require.EqualValues(t, 2, w.hashes.Load(), "an address that is known costs the same")
	require.Equal(t, "Eve", w.again.GetName())
	require.Equal(t, userID, w.again.GetUserId())
}

// TestWhatAddressesAskForTellsNothing: whether an address has an account is not
// looked at before the reply.
func TestWhatAddressesAskForTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := identity.New(identity.Config{}, identity.Deps{Accounts: w, Directory: w, Post: w})
	for _, known := range []*messages.Credential{w.credential, nil} {
		w.credential, w.asks = known, nil
		require.NoError(t, s.ForgotPassword(t.Context(), &messages.Meta{}, "ada@example.com"))
		require.NoError(t, s.ResendVerification(t.Context(), &messages.Meta{}, "ada@example.com"))
		require.Equal(t, []string{messages.AskPasswordReset, messages.AskVerification}, w.asks)
		require.Zero(t, w.lookups.Load())
		for _, what := range w.asks {
			require.NoError(t, s.Answer(t.Context(), &messages.Meta{CommandId: "m:1"}, what, "ada@example.com"))
		}
		require.EqualValues(t, 2, w.lookups.Swap(0))
		if known == nil {
			require.Nil(t, w.forgot)
			continue
		}
		require.Equal(t, userID, w.forgot.GetUserId())
		require.Equal(t, "m:1", w.forgot.GetMeta().GetCommandId(), "asked again it is the same command")
		w.forgot = nil
	}
}

// TestAStepUpIsAskedForWhatTheAccountHangsOn: whoever sits at a machine that its
// user has left cannot take the account over.
func TestAStepUpIsAskedForWhatTheAccountHangsOn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	me := &messages.Meta{Principal: userID, SessionId: sessionID, CommandId: "k:1"}
	require.True(t, messages.HasCode(w.service(nil).ChangeEmail(t.Context(), me, "b@example.com"), messages.CodeStepUpRequired))
	w.session.SteppedUpUntil = messages.Micros(time.Now().Add(-time.Second))
	require.True(t, messages.HasCode(w.service(nil).ChangeEmail(t.Context(), me, "b@example.com"), messages.CodeStepUpRequired), "it has run out")
	require.Nil(t, w.moving)
	_, err := w.service(nil).Reauthenticate(t.Context(), me, "wrong")
	require.True(t, messages.HasCode(err, messages.CodeInvalidCredentials))
	require.Nil(t, w.stepped)
	_, err = w.service(nil).Reauthenticate(t.Context(), me, "right")
	require.NoError(t, err)
	require.Equal(t, sessionID, w.stepped.GetSessionId())
	w.session.SteppedUpUntil = messages.Micros(time.Now().Add(time.Minute))
	require.NoError(t, w.service(nil).ChangeEmail(t.Context(), me, "b@example.com"))
	require.Equal(t, "k:1", w.moving.GetMeta().GetCommandId(), "the client's key is kept")
	require.NotEqual(t, w.moving.GetLinkId(), w.moving.GetNewLinkId())
}

// TestTheftIsReportedToTheAccount: a refresh token used twice ends its session by
// the account, which alone may; where that fails, nobody is told that it ended.
func TestTheftIsReportedToTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := w.service(nil)
	_, err := s.Refresh(t.Context(), &messages.Meta{}, "stolen", "::1", "")
	require.True(t, messages.HasCode(err, messages.CodeSessionRevoked), "%v", err)
	require.Equal(t, userID, w.ended.GetUserId())
	require.Equal(t, userID, w.ended.GetMeta().GetPrincipal())
	require.Equal(t, sessionID, w.ended.GetSessionId())
	require.Equal(t, "reuse_detected", w.ended.GetReason())

	w.away = messages.Refuse(messages.CodeUnavailable, "away")
	_, err = s.Refresh(t.Context(), &messages.Meta{}, "stolen", "::1", "")
	require.True(t, messages.HasCode(err, messages.CodeUnavailable), "%v", err)
}

// TestRefreshesAreOfTheGenerationThatTheSessionSays: no other token is made.
func TestRefreshesAreOfTheGenerationThatTheSessionSays(t *testing.T) {
	t.Parallel()
	w := newWorld()
	tokens, err := w.service(nil).Refresh(t.Context(), &messages.Meta{}, "parent", "::1", "")
	require.NoError(t, err)
	require.Equal(t, "refresh-5", tokens.RefreshToken)
	require.Nil(t, w.ended)
	w.account.Status = "suspended"
	_, err = w.service(nil).Refresh(t.Context(), &messages.Meta{}, "parent", "::1", "")
	require.True(t, messages.HasCode(err, messages.CodeUserSuspended))
}

// TestAnAnswerThatARevocationOvertookIsThrownAway: the session is looked up,
// then revoked, and only then does the answer arrive.
func TestAnAnswerThatARevocationOvertookIsThrownAway(t *testing.T) {
	t.Parallel()
	w := newWorld()
	cache := token.NewCache[*identity.Principal](10, time.Now)
	s := w.service(cache)
	w.onSession = func(look int32) {
		if look == 1 {
			w.session = nil // ended, behind the look that is under way
			cache.Revoke([]messages.Mark{{Session: sessionID}})
		}
	}
	_, err := s.Authenticate(t.Context(), "token")
	require.True(t, messages.HasCode(err, messages.CodeSessionRevoked))
	require.EqualValues(t, 2, w.asked.Load(), "asked again")
	_, known := cache.Get("token")
	require.False(t, known)
}

// TestATokenEndsWithItsSession, though it could be good for longer by itself.
func TestATokenEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld()
	end := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
	w.session.ExpiresAt = messages.Micros(end)
	now := time.Now()
	cache := token.NewCache[*identity.Principal](10, func() time.Time { return now })
	p, err := w.service(cache).Authenticate(t.Context(), "token")
	require.NoError(t, err)
	require.Equal(t, end, p.Expires)
	_, known := cache.Get("token")
	require.True(t, known)
	now = end
	_, known = cache.Get("token")
	require.False(t, known)
}

func TestValidatedTokensAreNotAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	cache := token.NewCache[*identity.Principal](10, time.Now)
	s := w.service(cache)
	for range 3 {
		p, err := s.Authenticate(t.Context(), "token")
		require.NoError(t, err)
		require.Equal(t, &identity.Principal{UserID: userID, SessionID: sessionID, Roles: []string{"user"}, Expires: p.Expires, Ends: sessionEnd}, p)
		require.True(t, p.Expires.After(time.Now()))
		require.True(t, p.Expires.Before(p.Ends))
	}
	require.EqualValues(t, 1, w.asked.Load())
	cache.Revoke([]messages.Mark{{User: userID}})
	w.account.Status = "suspended"
	_, err := s.Authenticate(t.Context(), "token")
	require.True(t, messages.HasCode(err, messages.CodeUserSuspended))
}

// TestAKeyThatIsRetiredMeanwhile: a token is looked at again once it is registered, so
// that none is remembered beyond its key.
func TestAKeyThatIsRetiredMeanwhile(t *testing.T) {
	t.Parallel()
	w, looks := newWorld(), 0
	w.verify = func() error {
		if looks++; looks > 1 {
			return messages.Refuse(messages.CodeInvalidToken, "the token is not valid")
		}
		return nil
	}
	cache := token.NewCache[*identity.Principal](10, time.Now)
	_, err := w.service(cache).Authenticate(t.Context(), "token")
	require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
	_, known := cache.Get("token")
	require.False(t, known)
}

// TestWhoseTokensAreRefused: by the account's status, its epoch, and whose the
// session is.
func TestWhoseTokensAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		code   string
	}{
		"pending":           {func(w *world) { w.account.Status = "pending" }, messages.CodeEmailUnverified},
		"suspended":         {func(w *world) { w.account.Status = "suspended" }, messages.CodeUserSuspended},
		"inactive":          {func(w *world) { w.account.Status = "inactive" }, messages.CodeUserInactive},
		"an earlier epoch":  {func(w *world) { w.account.AuthEpoch = 2 }, messages.CodeSessionRevoked},
		"another's session": {func(w *world) { w.session.UserId = sessionID }, messages.CodeSessionRevoked},
		"no session":        {func(w *world) { w.session = nil }, messages.CodeSessionRevoked},
	} {
		w := newWorld()
		c.change(w)
		_, err := w.service(token.NewCache[*identity.Principal](10, time.Now)).Authenticate(t.Context(), "token")
		require.True(t, messages.HasCode(err, c.code), "%s: %v", name, err)
	}
}
