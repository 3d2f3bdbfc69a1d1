package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

// owned is a project, with its owner, as whoever claimed it has it.
func owned(t testing.TB, db *postgres.DB) store.Claimed[*project.State] {
	t.Helper()
	owner := persistencetest.Registration()
	p := persistencetest.Creation(owner.ID)
	for _, c := range []*store.Commit{owner, p} {
		results, err := db.Write(t.Context(), []*store.Commit{c})
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
	}
	claimed, err := db.Projects().Claim(t.Context(), p.ID, "n1")
	require.NoError(t, err)
	return claimed
}

// holdRow has a transaction hold a project's row until the returned function is
// called.
func holdRow(t testing.TB, url, id string) (release func()) {
	t.Helper()
	tx, err := raw(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM projects WHERE id = $1 FOR UPDATE`, id)
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }
}

// A row that someone holds blocks its group, for certain and not for long, and
// nobody once the group is taken apart.
func TestAHeldRowBlocksItsGroupAlone(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, url)
	p := owned(t, db)
	release := holdRow(t, url, p.ID)
	held, stranger := persistencetest.Renaming(p, "Held"), persistencetest.Registration()
	_, err := db.Write(t.Context(), []*store.Commit{stranger, held})
	require.ErrorIs(t, err, store.ErrBlocked)
	results, err := db.Write(t.Context(), []*store.Commit{stranger})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	_, err = db.Write(t.Context(), []*store.Commit{held})
	require.ErrorIs(t, err, store.ErrBlocked)
	release()
	results, err = db.Write(t.Context(), []*store.Commit{held})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
}

// Where only the later part of a group fails, that is said of its commits alone.
func TestALaterPartFailsAlone(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, url)
	p := owned(t, db)
	_, err := raw(t, url).Exec(t.Context(), `ALTER TABLE projects ADD CHECK (name <> 'Forbidden')`)
	require.NoError(t, err)
	var chain []*store.Commit
	for _, name := range []string{"First", "Forbidden", "Third"} {
		chain = append(chain, persistencetest.Renaming(p, name))
		p.State = p.State.Clone()
		p.Version, p.State.Version, p.State.Seq = p.Version+1, p.State.Version+1, p.State.Seq+1
	}
	stranger := persistencetest.Registration()
	results, err := db.Write(t.Context(), append(chain, stranger))
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.NoError(t, results[3].Err)
	for _, r := range results[1:3] {
		require.ErrorIs(t, r.Err, store.ErrRolledBack, "certainly not written")
	}
	claimed, err := db.Projects().Claim(t.Context(), p.ID, "n1")
	require.NoError(t, err)
	require.Equal(t, "First", claimed.State.Name)
}

// Claims that wait leave the connections of commits alone.
func TestClaimsKeepNoCommitWaiting(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: patient(url), Writers: 1, Claims: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	p := owned(t, db)
	release := holdRow(t, url, p.ID)
	claimed := make(chan error, 1)
	go func() {
		_, err := db.Projects().Claim(t.Context(), p.ID, "n2")
		claimed <- err
	}()
	waiting(t, raw(t, url), 1)
	results, err := db.Write(t.Context(), []*store.Commit{persistencetest.Registration()})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	require.Empty(t, claimed, "the claim still waits")
	release()
	require.NoError(t, <-claimed)
}
