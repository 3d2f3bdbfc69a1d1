package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// schema is everything that a database defines.
func schema(t *testing.T, path string) (all []string) {
	t.Helper()
	c, err := newSource(path).reader()
	require.NoError(t, err)
	defer c.close()
	err = c.each(stmt(`SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
		WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY 1`), nil, func(r *row) error {
		all = append(all, r.text())
		return nil
	})
	require.NoError(t, err)
	return all
}

func TestMigrationsUpDownUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "atelier.db")
	current, target, err := Status(t.Context(), path)
	require.NoError(t, err)
	require.Zero(t, current)
	require.NoFileExists(t, path, "looking makes nothing")

	applied, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	require.EqualValues(t, target, applied)
	up := schema(t, path)
	require.NotEmpty(t, up)
	again, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	require.Zero(t, again)

	require.NoError(t, MigrateDown(t.Context(), path))
	require.Empty(t, schema(t, path))
	current, _, err = Status(t.Context(), path)
	require.NoError(t, err)
	require.Zero(t, current)

	_, err = Migrate(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, up, schema(t, path))
}

// A program works on a schema that is newer than its own where each migration
// above it says so.
func TestNewerSchemaHasAFloor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "atelier.db")
	_, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	_, target, err := Status(t.Context(), path)
	require.NoError(t, err)
	put := func(version, floor int64) {
		c, err := newSource(path).writer()
		require.NoError(t, err)
		defer c.close()
		_, err = c.exec(stmt(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`), version)
		require.NoError(t, err)
		_, err = c.exec(stmt(`DELETE FROM migration_floors WHERE version = ?`), version)
		require.NoError(t, err)
		if floor > 0 {
			_, err = c.exec(stmt(`INSERT INTO migration_floors VALUES (?, ?)`), version, floor)
			require.NoError(t, err)
		}
	}
	put(9000, target)
	put(9001, target-1)
	applied, err := Migrate(t.Context(), path)
	require.NoError(t, err)
	require.Zero(t, applied)
	for _, floor := range []int64{target + 1, 0} {
		put(9999, floor)
		_, err = Migrate(t.Context(), path)
		require.ErrorContains(t, err, "is at schema 9999")
		require.ErrorContains(t, err, "run a newer version")
	}
}
