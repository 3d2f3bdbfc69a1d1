package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// start is the first moment of the histories.
var start = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// fresh is a migrated database of its own.
func fresh(t testing.TB) (db *DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "atelier.db")
	_, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	return open(t, path), path
}

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// registration is the commit that creates a user.
func registration(id string) *store.Commit {
	row := &account.State{
		ID: messages.UserID(id), Email: id + "@example.org", Name: "A user", Status: account.Active, Roles: []string{account.RoleUser},
		Preferences: "{}", CredentialVersion: 1, AuthEpoch: 1, CreatedAt: start, UpdatedAt: start, Version: 1, Seq: 1,
	}
	return &store.Commit{
		Fence: store.Fence{Kind: store.Account, ID: id}, Node: "n1", Next: 1, Stream: messages.UserStream(id),
		Change: &account.Change{Created: true, Row: row}, Events: []store.Event{event("user.created", 1)},
	}
}

// creation is the commit that creates a project, by a command of its own.
func creation(id, owner, name string) *store.Commit {
	row := project.Row{
		ID: messages.ProjectID(id), Name: name, Owner: messages.UserID(owner), Status: project.Draft, Settings: project.DefaultSettings(),
		Version: 1, Seq: 1, CreatedAt: messages.Micros(start), UpdatedAt: messages.Micros(start),
	}
	return &store.Commit{
		Fence: store.Fence{Kind: store.Project, ID: id}, Node: "n1", Next: 1, Stream: messages.ProjectStream(id),
		Change: &project.Change{Created: true, Row: row}, Events: []store.Event{event("project.created", 1)},
		Replies: []store.Reply{{CommandKey: store.CommandKey{Principal: owner, Command: "k:" + id}, Expires: start.Add(time.Hour)}},
	}
}

func event(kind string, seq int64) store.Event {
	return store.Event{ID: newID(), Type: kind, Seq: seq, Version: seq, Actor: "actor", OccurredAt: start, Data: []byte("{}")}
}

// applied writes commits that must all be applied.
func applied(t testing.TB, db *DB, group ...*store.Commit) {
	t.Helper()
	results, err := db.Write(t.Context(), group)
	require.NoError(t, err)
	for i, r := range results {
		require.NoError(t, r.Err, "commit %d", i)
		require.False(t, r.Duplicate, "commit %d", i)
	}
}

// count is the number of rows that a query finds.
func count(t testing.TB, db *DB, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, db.read(t.Context(), "count", stmt(query), args, func(*row) error { n++; return nil }))
	return n
}
