package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// rows in every table; each user has a project, a session and a command.
const rows = 20_000

// Whatever the tables hold and the statistics say, a write finds its rows by
// index, with conditions on all columns of a key, and locks them in its order.
func TestPlansOfWritesAreByIndex(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	_, err := Migrate(t.Context(), url)
	require.NoError(t, err)
	check := func(tables string) {
		for name, plan := range plans(t, url) {
			plan = strings.ReplaceAll(plan, "Seq Scan on outbox_relays", "") // it has a row for each node
			require.NotRegexp(t, `Seq Scan|Bitmap|Merge|Filter: \(\w+ = `, plan, "%s, tables %s", name, tables)
		}
	}
	check("empty")
	fill(t, url)
	check("full, without statistics")
	execute(t, url, `ANALYZE`)
	check("full, with statistics")
}

// TestPlanOfMarksIsByKey: statistics from when all was sent say that there is no
// backlog. What marks a batch of it does not read the rest.
func TestPlanOfMarksIsByKey(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	_, err := Migrate(t.Context(), url)
	require.NoError(t, err)
	execute(t, url,
		fmt.Sprintf(`INSERT INTO outbox SELECT gen_random_uuid(), i %% 64, 'projects/' || i, 1, now(), now() FROM generate_series(1, %d) i`, rows),
		`VACUUM ANALYZE outbox`, `UPDATE outbox SET sent_at = NULL`)
	db, err := Open(t.Context(), Config{URL: url})
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.relay.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	plan := explain(t, conn.Conn(), "mark", markSent)
	require.Contains(t, plan, "Index Scan using outbox_pkey")
	require.NotContains(t, plan, "idx_outbox_unsent")
	require.NotContains(t, plan, "Seq Scan")
}

func fill(t *testing.T, url string) {
	execute(t, url,
		fmt.Sprintf(`INSERT INTO users (email, name) SELECT 'u' || i, 'u' FROM generate_series(1, %d) i`, rows),
		`INSERT INTO projects (id, name, owner_id) SELECT id, 'p', id FROM users`,
		`INSERT INTO project_collaborators (project_id, user_id) SELECT id, id FROM users`,
		`INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch)
			SELECT id, id, now(), now(), now(), '', '', '{}', 1 FROM users`,
		`INSERT INTO documents SELECT id, id, 'd', id::text, now(), now(), 1, 0 FROM users`,
		`INSERT INTO document_logs (id) SELECT id FROM users`,
		`INSERT INTO document_updates SELECT id, i, '' FROM users, generate_series(1, 2) i`,
		`INSERT INTO commands SELECT id::text, 'k', '', '', now() FROM users`)
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
}

// plans are those of a writer's connection, of all statements with all their
// parts, with the usual ones and bare.
func plans(t *testing.T, url string) map[string]string {
	db, err := Open(t.Context(), Config{URL: url, Writers: 1})
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.writes.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	texts := make(map[string]string)
	for name, variants := range map[string]*statements{
		"insert accounts": insertAccounts, "update accounts": updateAccounts, "update sessions": updateSessions, "insert projects": insertProjects,
		"update projects": updateProjects, "delete projects": deleteProjects, "check accounts": checkAccounts, "check projects": checkProjects,
		"update documents": updateDocuments, "check documents": checkDocuments,
	} {
		for _, with := range []parts{0, withEvents, withEvents | withReplies, withEvents | withReplies | withLookups, combinations - 1} {
			texts[fmt.Sprint(name, " ", int(with))] = variants[with]()
		}
	}
	for i, text := range []string{foldContents, putDocuments, removeDocuments, putVersions} {
		texts[fmt.Sprint("documents ", i)] = text
	}
	for name, text := range texts {
		texts[name] = explain(t, conn.Conn(), name, text)
	}
	for _, table := range []string{"users", "sessions", "projects", "document_logs"} {
		texts["take "+table] = explain(t, conn.Conn(), "take "+table, takeSQL(table))
	}
	return texts
}

func explain(t *testing.T, conn *pgx.Conn, name, text string) string {
	prepared, err := conn.Prepare(t.Context(), name, text)
	require.NoError(t, err)
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", len(prepared.ParamOIDs)), ",")
	lines, err := conn.Query(t.Context(), fmt.Sprintf(`EXPLAIN (COSTS OFF) EXECUTE "%s"(%s)`, name, nulls), pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(lines, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(plan, "\n")
}
