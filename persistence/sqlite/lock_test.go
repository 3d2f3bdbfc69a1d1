package sqlite

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneProcessHoldsTheDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "atelier.db")
	_, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	c := spawn(t, "hold", path)
	c.says(t, "held")

	_, err = Open(t.Context(), Config{Path: path})
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, "by process "+strconv.Itoa(c.Process.Pid))
	_, err = Migrate(t.Context(), path)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorIs(t, MigrateDown(t.Context(), path), ErrInUse)
	current, target, err := Status(t.Context(), path)
	require.NoError(t, err, "looking at it is free")
	require.Equal(t, target, current)

	c.kill(t)
	require.Error(t, c.Wait())
	open(t, path)
}

func TestCloseGivesTheDatabaseUp(t *testing.T) {
	t.Parallel()
	db, path := fresh(t)
	_, err := Open(t.Context(), Config{Path: path})
	require.ErrorIs(t, err, ErrInUse, "this process counts like any other")
	db.Close()
	db.Close()
	require.ErrorIs(t, db.Ping(t.Context()), errClosed)
	open(t, path)
}

// TestFileIsPrivate: it holds the hashes of passwords.
func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	db, path := fresh(t)
	applied(t, db, registration(newID()))
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Len(t, files, 4, "the database, its log, the log's index and the lock")
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c=d&e%20#é.db")
	_, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	applied(t, open(t, path), registration(newID()))
	require.FileExists(t, path)
}
