package main

import (
	"context"
	"time"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/cluster"
	"atelier/identity/token"
	"atelier/messages"
	"atelier/persistence/postgres"
)

// engine is what the server asks of a database, whichever it is.
type engine interface {
	store.Writer
	Projects() store.Claimer[*project.State]
	Accounts() store.Claimer[*account.State]
	Sessions() store.Claimer[*session.State]
	ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error)
	ListCollaborators(context.Context, *messages.CollaboratorQuery) (*messages.CollaboratorPage, error)
	ListEvents(context.Context, *messages.EventQuery) (*messages.EventPage, error)
	ListSessions(context.Context, *messages.SessionQuery) (*messages.SessionPage, error)
	PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error)
	FindCredential(ctx context.Context, email string) (*messages.Credential, error)
	AnyAdmin(ctx context.Context) (bool, error)
	LogID(ctx context.Context) (string, error)
	Ping(ctx context.Context) error
	Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error)
}

// opened is a database with what goes with its kind.
type opened struct {
	engine
	keys    token.KeyStore
	leases  cluster.LeaseStore // nil: the directory's lock is the lease
	writers int
	close   func()
}

func openPostgres(ctx context.Context, url string) (*opened, error) {
	db, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return nil, err
	}
	return &opened{engine: db, keys: postgresKeys{db}, leases: db.Leases(), writers: 2, close: db.Close}, nil
}

// postgresKeys and its like translate between the key of the port and the row.
type postgresKeys struct{ db *postgres.DB }

func (k postgresKeys) Keys(ctx context.Context) ([]token.Key, error) {
	rows, err := k.db.Keys(ctx)
	keys := make([]token.Key, 0, len(rows))
	for _, r := range rows {
		keys = append(keys, token.Key{Kid: r.Kid, Use: r.Use, Public: r.Public, Sealed: r.Sealed, CreatedAt: r.CreatedAt, ActivatesAt: r.ActivatesAt})
	}
	return keys, err
}

func (k postgresKeys) AddKey(ctx context.Context, key token.Key) (bool, error) {
	return k.db.AddKey(ctx, postgres.SealedKey{
		Kid: key.Kid, Use: key.Use, Public: key.Public, Sealed: key.Sealed, CreatedAt: key.CreatedAt, ActivatesAt: key.ActivatesAt,
	})
}

func (k postgresKeys) RemoveKey(ctx context.Context, kid string) error {
	return k.db.RemoveKey(ctx, kid)
}
