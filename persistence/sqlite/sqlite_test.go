package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/sqlite"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	persistencetest.Run(t, func(t testing.TB) *persistencetest.Database {
		path, db := openAt(t)
		return &persistencetest.Database{Engine: db, Peer: db, Keys: keys{db}, Alter: func(t testing.TB, text string) {
			raw, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			defer raw.Close()
			_, err = raw.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}, Outbox: db.Outbox(), PeerOutbox: db.Outbox(), Tampers: tampers, CutAudit: `DELETE FROM audit WHERE seq > 40`}
	})
}

var tampers = []persistencetest.AuditTamper{
	{Do: `UPDATE audit SET actor = actor || 'x' WHERE seq = 47`, Undo: `UPDATE audit SET actor = substr(actor, 1, length(actor) - 1) WHERE seq = 47`, Found: "row 47 is not what was written"},
	{Do: `UPDATE audit SET seq = seq + 1000 WHERE seq > 45`, Undo: `UPDATE audit SET seq = seq - 1000 WHERE seq > 45`, Found: "rows 46 to 1045 are missing"},
}

func BenchmarkWrite(b *testing.B) { persistencetest.Bench(b, open(b)) }

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	_, db := openAt(t)
	return db
}

func openAt(t testing.TB) (path string, db *sqlite.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "atelier.db")
	_, err := sqlite.Migrate(t.Context(), path)
	require.NoError(t, err)
	db, err = sqlite.Open(t.Context(), sqlite.Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return path, db
}

// keys are the signing keys in the suite's words.
type keys struct{ db *sqlite.DB }

func (k keys) Keys(ctx context.Context) (list []persistencetest.Key, err error) {
	rows, err := k.db.Keys(ctx)
	for _, row := range rows {
		list = append(list, persistencetest.Key(row))
	}
	return list, err
}

func (k keys) AddKey(ctx context.Context, key persistencetest.Key, told messages.AuditRow) (bool, error) {
	return k.db.AddKey(ctx, sqlite.SealedKey(key), told)
}

func (k keys) RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error {
	return k.db.RemoveKey(ctx, kid, told)
}
