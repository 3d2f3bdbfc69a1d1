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
	RegisterAgain(context.Context, *messages.RegisterAgain) (*messages.Done, error)
	RequestVerification(context.Context, *messages.RequestVerification) (*messages.Done, error)
	VerifyEmail(context.Context, *messages.VerifyEmail) (*messages.Account, error)
	RequestPasswordReset(context.Context, *messages.RequestPasswordReset) (*messages.Done, error)
	ResetPassword(context.Context, *messages.ResetPassword) (*messages.Done, error)
	ChangeEmail(context.Context, *messages.ChangeEmail) (*messages.Done, error)
	ConfirmEmail(context.Context, *messages.ConfirmEmail) (*messages.EmailConfirmation, error)
	OpenSession(context.Context, *messages.OpenSession) (*messages.Session, error)
	EndSession(context.Context, *messages.EndSession) (*messages.Done, error)
	ChangePassword(context.Context, *messages.ChangePassword) (*messages.Done, error)
	GetAccount(context.Context, *messages.GetAccount) (*messages.Account, error)
}

// Sessions are the session entities.
type Sessions interface {
	GetSession(context.Context, *messages.GetSession) (*messages.Session, error)
	RefreshSession(context.Context, *messages.RefreshSession) (*messages.Refreshed, error)
	StepUp(context.Context, *messages.StepUp) (*messages.Session, error)
}

// Directory finds accounts by address, in whatever spelling. An unknown or
// malformed address is nil.
type Directory interface {
	FindCredential(ctx context.Context, email string) (*messages.Credential, error)
}

// Invitations are found by the address that they wait for, in its normal form.
type Invitations interface {
	ListInvitations(ctx context.Context, email string, now time.Time, limit int) ([]*messages.Invitation, error)
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
	MintLink(purpose, owner, id string) (string, error)
	ParseLink(purpose, token string) (owner, id string, err error)
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
	post      Post

	projects    Projects
	invitations Invitations
	normalise   func(email string) (string, error)
	resets      turns // by link
	attempts    *Attempts
	now         func() time.Time
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
	Post      Post

	Projects    Projects
	Invitations Invitations
	Normalise   func(email string) (string, error) // brings an address into the form in which equal ones are equal

	Attempts *Attempts // nil: nobody counts
	Now      func() time.Time
}

// New makes the flows.
func New(config Config, d Deps) *Service {
	return &Service{
		config: config, accounts: d.Accounts, sessions: d.Sessions, directory: d.Directory, passwords: d.Passwords,
		policy: d.Policy, tokens: d.Tokens, validated: d.Validated, post: d.Post, now: d.Now,
		projects: d.Projects, invitations: d.Invitations, normalise: d.Normalise, attempts: d.Attempts,
	}
}

// newID is a fresh UUID v7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// meta makes the Meta of a further command of the same request: same caller and
// trace, its own command id.
func meta(m *messages.Meta) *messages.Meta {
	return &messages.Meta{
		Principal: m.GetPrincipal(), SessionId: m.GetSessionId(), Roles: m.GetRoles(), Trace: m.GetTrace(),
		RequestId: m.GetRequestId(), Ip: m.GetIp(), CommandId: "m:" + newID(),
	}
}
