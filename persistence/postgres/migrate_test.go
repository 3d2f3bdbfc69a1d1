package postgres_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"atelier/persistence/postgres"
	"atelier/test/services"
)

// schema describes everything that the migrations made, as the catalogue has it.
func schema(t testing.TB, url string) []string {
	t.Helper()
	const ours = `(SELECT oid FROM pg_namespace WHERE nspname = 'public')`
	lines, err := raw(t, url).Query(t.Context(), `
		SELECT * FROM (
			SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' '
				|| coalesce(pg_get_expr(d.adbin, d.adrelid), '-') || ' ' || coalesce(l.collname, '-') || ' ' || a.attnum
				FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
				WHERE c.relnamespace = `+ours+` AND c.relkind = 'r'
			UNION ALL SELECT 'relation ' || relname || ' ' || relkind::text || ' ' || coalesce(reloptions::text, '-') FROM pg_class WHERE relnamespace = `+ours+`
			UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = `+ours+`
			UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = `+ours+`
			UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = `+ours+`
			UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
			UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = `+ours+` AND typtype NOT IN ('b', 'c')
		) AS all_of_it(line) WHERE line NOT LIKE '%goose_db_version%' ORDER BY line`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(lines, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func TestMigrationsUpDownUp(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	before := schema(t, url)
	require.Empty(t, before)
	current, target, err := postgres.Status(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, current)

	applied, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.EqualValues(t, target, applied)
	up := schema(t, url)
	require.Contains(t, up, "column users.email character varying(255) true - default 2")
	require.Greater(t, len(up), 100)
	again, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, again)
	var analysed bool
	require.NoError(t, raw(t, url).QueryRow(t.Context(), `SELECT bool_and(reltuples >= 0) FROM pg_class WHERE relname IN ('users', 'projects', 'events')`).Scan(&analysed))
	require.True(t, analysed, "tables without statistics have bad plans")

	require.NoError(t, postgres.MigrateDown(t.Context(), url))
	require.Empty(t, schema(t, url))
	current, _, err = postgres.Status(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, current)
	_, err = postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, up, schema(t, url))
}

// Nodes that start together migrate one after the other.
func TestMigratorsTakeTurns(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	var all sync.WaitGroup
	applied := make([]int, 4)
	for i := range applied {
		all.Go(func() {
			var err error
			applied[i], err = postgres.Migrate(t.Context(), url)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	_, target, err := postgres.Status(t.Context(), url)
	require.NoError(t, err)
	total := 0
	for _, n := range applied {
		total += n
	}
	require.EqualValues(t, target, total, "each migration was applied once: %v", applied)
}

// A program works on a schema that is newer than its own where each migration
// above it says so.
func TestNewerSchemaHasAFloor(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := raw(t, url)
	_, target, err := postgres.Status(t.Context(), url)
	require.NoError(t, err)
	put := func(version, floor int64) {
		_, err := db.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, version)
		require.NoError(t, err)
		if floor > 0 {
			_, err = db.Exec(t.Context(), `INSERT INTO migration_floors VALUES ($1, $2)`, version, floor)
			require.NoError(t, err)
		}
	}
	put(9000, target)
	put(9001, target-1)
	applied, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, applied)
	for _, floor := range []int64{target + 1, 0} {
		put(9999, floor)
		_, err = postgres.Migrate(t.Context(), url)
		require.ErrorContains(t, err, "is at schema 9999")
		require.ErrorContains(t, err, "run a newer version")
		_, err = db.Exec(t.Context(), `DELETE FROM migration_floors WHERE version = 9999`)
		require.NoError(t, err)
	}
}

// What goes wrong is told without the password.
func TestErrorsKeepThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://someone:canary@127.0.0.1:1/x?sslmode=disable&connect_timeout=1", "postgres://someone:canary@[bad/x", "postgres://someone:canary@127.0.0.1:x/x",
	} {
		_, err := postgres.Migrate(t.Context(), url)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "canary")
		_, err = postgres.Open(t.Context(), postgres.Config{URL: url})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "canary")
	}
}
