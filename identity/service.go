package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"atelier/messages"
)

// Accounts are the account entities.
type Accounts interface {
	RegisterAccount(context.Context, *messages.RegisterAccount) (*messages.Account, error)
	OpenSession(context.Context, *messages.OpenSession) (*messages.Session, error)
	EndSession(context.Context, *messages.EndSession) (*messages.Done, error)
	ChangePassword(context.Context, *messages.ChangePassword) (*messages.Done, error)
	GetAccount(context.Context, *messages.GetAccount) (*messages.Account, error)
}

// Sessions are the session entities.
type Sessions interface {
	GetSession(context.Context, *messages.GetSession) (*messages.Session, error)
	RefreshSession(context.Context, *messages.RefreshSession) (*messages.Refreshed, error)
}

// Directory finds accounts by address, in whatever spelling. An unknown or
// malformed address is nil.
type Directory interface {
	FindCredential(ctx context.Context, email string) (*messages.Credential, error)
}

// Passwords hash and compare, in bounded slots.
type Passwords interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (ok bool, err error)
	// VerifyNothing costs what Verify costs, for addresses that do not exist.
	VerifyNothing(ctx context.Context, password string) error
}

// Policy refuses passwords that must not be chosen, with CodeWeakPassword or
// CodeBreachedPassword.
type Policy func(password, name, email string) error

// Mint makes and reads tokens. Errors are refusals.
type Mint interface {
	MintAccess(userID, sessionID string) (token string, expires time.Time, err error)
	VerifyAccess(token string) (userID, sessionID string, expires time.Time, err error)
	MintRefresh(sessionID string, generation uint32, born time.Time) (string, error)
	ParseRefresh(token string) (sessionID string, generation uint32, err error)
}

// Config of the flows.
type Config struct {
	Verification    bool          // new users must prove their address
	SessionLifetime time.Duration // from sign-in, whatever happens
}

// Service is the flows.
type Service struct {
	config    Config
	accounts  Accounts
	sessions  Sessions
	directory Directory
	passwords Passwords
	policy    Policy
	tokens    Mint
	validated Validated
	now       func() time.Time
}

// Deps is what the flows stand on.
type Deps struct {
	Accounts  Accounts
	Sessions  Sessions
	Directory Directory
	Passwords Passwords
	Policy    Policy
	Tokens    Mint
	Validated Validated
	Now       func() time.Time
}

// New makes the flows.
func New(config Config, d Deps) *Service {
	return &Service{
		config: config, accounts: d.Accounts, sessions: d.Sessions, directory: d.Directory, passwords: d.Passwords,
		policy: d.Policy, tokens: d.Tokens, validated: d.Validated, now: d.Now,
	}
}

// newID is a fresh UUID v7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// meta makes the Meta of a further command of the same request: same caller and
// trace, its own command id.
func meta(m *messages.Meta) *messages.Meta {
	return &messages.Meta{
		Principal: m.GetPrincipal(), SessionId: m.GetSessionId(), Roles: m.GetRoles(), Trace: m.GetTrace(),
		RequestId: m.GetRequestId(), CommandId: "m:" + newID(),
	}
}
