package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/persistence/persistencetest"
	"atelier/persistence/sqlite"
)

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "atelier.db")
	_, err := sqlite.Migrate(t.Context(), path)
	require.NoError(t, err)
	return reopen(t, path)
}

func reopen(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func BenchmarkWrite(b *testing.B) { persistencetest.Bench(b, open(b)) }
