package main

import (
	"context"
	"runtime"
	"time"

	"atelier/actors"
	"atelier/actors/account"
	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/cluster"
	"atelier/messages"
	"atelier/persistence/postgres"
	"atelier/persistence/sqlite"
)

// engine is what the server asks of a database, whichever it is.
type engine interface {
	store.Writer
	Projects() store.Claimer[*project.State]
	Accounts() store.Claimer[*account.State]
	Sessions() store.Claimer[*session.State]
	Documents() store.Claimer[*document.State]
	actors.DocumentStore
	FenceDocument(ctx context.Context, id string) error
	ListDocuments(context.Context, *messages.DocumentQuery) (*messages.DocumentPage, error)
	ListVersions(context.Context, *messages.VersionQuery) (*messages.VersionPage, error)
	actors.LiveLog
	SweepVersions(ctx context.Context, automatic, orphaned time.Time, limit int) (removed int, err error)
	ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error)
	FindProjects(context.Context, *messages.ProjectQuery) (*messages.FoundProjects, error)
	ListCollaborators(context.Context, *messages.CollaboratorQuery) (*messages.CollaboratorPage, error)
	ListInvitations(ctx context.Context, email string, now time.Time, limit int) ([]*messages.Invitation, error)
	EraseEvents(ctx context.Context, user string) error
	Now(context.Context) (time.Time, error)
	ListUsers(context.Context, *messages.UserQuery) (*messages.UserPage, error)
	ListFeed(context.Context, *messages.FeedQuery) (*messages.FeedPage, error)
	ListSessions(context.Context, *messages.SessionQuery) (*messages.SessionPage, error)
	PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error)
	FindCredential(ctx context.Context, email string) (*messages.Credential, error)
	AnyAdmin(ctx context.Context) (bool, error)
	LogID(ctx context.Context) (string, error)
	Ping(ctx context.Context) error
	UpdateAttempts(ctx context.Context, keys [][]byte, expires time.Time, update func(logs [][]byte) [][]byte) error
	UseTicket(ctx context.Context, id string, expires time.Time) (first bool, err error)
	AddAudit(ctx context.Context, rows []messages.AuditRow) error
	ListAudit(ctx context.Context, q *messages.AuditQuery) (*messages.AuditPage, error)
	SealAudit(ctx context.Context, limit int, seal func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint) (n int, err error)
	AuditChain(ctx context.Context, after int64, limit int) ([]messages.AuditRow, error)
	AuditCheckpoints(ctx context.Context, after int64, limit int) ([]messages.AuditCheckpoint, error)
	AuditMissing(ctx context.Context) (n int64, example string, err error)
	Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error)
	SweepSessions(ctx context.Context, openedBefore, now time.Time, limit int) (removed int, err error)
	AddMail(context.Context, store.Mail) error
	ClaimMails(ctx context.Context, lease time.Duration, limit int) ([]store.Mail, error)
	EndMail(ctx context.Context, id string, attempt int, state string) error
	RetryMail(ctx context.Context, id string, attempt int, wait time.Duration) error
	WaitingMails(context.Context) (int64, error)
	SweepMails(ctx context.Context, before time.Time, limit int) (removed int, err error)
}

// opened is a database with what goes with its kind.
type opened struct {
	engine
	keys    keys
	leases  cluster.LeaseStore // nil: the directory's lock is the lease
	outbox  outboxStore
	writers int
	close   func()

	cache    cacheStore                                       // nil: there is memory alone
	position func(context.Context) (messages.Position, error) // nil: there are no replicas
}

// writersFor is how many commits Postgres is sent at one time: two, where there
// are cores to spare, since one is then made ready while the other is written.
// On few cores larger groups cost less than that gains.
func writersFor(cores int) int { return max(1, min(2, cores/2)) }

func openPostgres(ctx context.Context, c postgres.Config) (*opened, error) {
	db, err := postgres.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	o := &opened{engine: db, keys: keyStore[postgres.SealedKey]{db, byRotation}, leases: db.Leases(), outbox: db.Outbox(), writers: writersFor(runtime.GOMAXPROCS(0)), close: db.Close, cache: db}
	if len(c.Replicas) > 0 {
		o.position = db.Position
	}
	return o, nil
}

func openSqlite(ctx context.Context, path string) (*opened, error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return nil, err
	}
	return &opened{engine: db, keys: keyStore[sqlite.SealedKey]{db, byRotation}, outbox: db.Outbox(), writers: 1, close: db.Close}, nil
}
