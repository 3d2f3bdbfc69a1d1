package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity/audit"
	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
	"atelier/test/services"
)

// beforeSeals is the schema in which events had rows of the audit beside them.
const beforeSeals = 11

// TestAuditBeforeSealsIsKept: what was told, numbered or not, is told once and stays
// in the chain, and the chain goes on behind it.
func TestAuditBeforeSealsIsKept(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	early, err := postgres.Restore(t.Context(), url, beforeSeals)
	require.NoError(t, err)
	early.Close(t.Context())
	db := raw(t, url)
	_, err = db.Exec(t.Context(), `INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace, audit)
		SELECT gen_random_uuid(), 'users/x', n, n, 'session.opened', '{}', 'x', '2026-01-01Z'::timestamptz + n * interval '1 hour', '', '{}' FROM generate_series(1, 5) n`)
	require.NoError(t, err)
	keys := audit.NewKeys(make([]byte, 32))
	rows := make([]messages.AuditRow, 3)
	for i := range rows {
		r := &rows[i]
		require.NoError(t, db.QueryRow(t.Context(), `SELECT id::text, at, actor, action, target, result, detail FROM audit ORDER BY at OFFSET $1 LIMIT 1`, i).
			Scan(&r.ID, &r.At, &r.Actor, &r.Action, &r.Target, &r.Result, &r.Detail))
	}
	c := keys.Seal(messages.AuditCheckpoint{}, rows, time.Now())
	for _, r := range rows {
		_, err := db.Exec(t.Context(), `UPDATE audit SET seq = $1, hash = $2 WHERE id = $3`, r.Seq, r.Hash, r.ID)
		require.NoError(t, err)
	}
	_, err = db.Exec(t.Context(), `INSERT INTO audit_checkpoints VALUES ($1, $2, $3, $4, $5)`, c.Seq, c.Hash, c.At, c.Signer, c.Signature)
	require.NoError(t, err)

	_, err = postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	now := connect(t, url)
	results, err := now.Write(t.Context(), persistencetest.Group(persistencetest.Registration()))
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	n, _, err := now.Outbox().Number(t.Context(), "n1", time.Minute, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the others were numbered by the migration")
	n, err = now.SealAudit(t.Context(), 100, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
		return keys.Seal(last, rows, time.Now())
	})
	require.NoError(t, err)
	require.Equal(t, 3, n)
	report, err := audit.Verify(t.Context(), now, keys, audit.Head(&c))
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.EqualValues(t, 6, report.Rows)
	page, err := now.ListAudit(t.Context(), &messages.AuditQuery{Limit: 100})
	require.NoError(t, err)
	var numbers []int64
	for _, r := range page.Items {
		numbers = append(numbers, r.Seq)
	}
	require.ElementsMatch(t, []int64{1, 2, 3, 4, 5, 6}, numbers)
}

// TestAnEventThatIsGoneHidesNoOther: what is behind one that was removed before it was
// numbered is numbered all the same.
func TestAnEventThatIsGoneHidesNoOther(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, url)
	for range 5 {
		applied(t, db, persistencetest.Registration())
	}
	n, _, err := db.Outbox().Number(t.Context(), "n1", time.Minute, 100)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	_, err = raw(t, url).Exec(t.Context(), `DELETE FROM events WHERE (stream, seq) = (SELECT stream, seq FROM feed WHERE position = 2)`)
	require.NoError(t, err)
	keys := audit.NewKeys(make([]byte, 32))
	for sealed := 0; sealed < 4; sealed += n {
		n, err = db.SealAudit(t.Context(), 2, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
			return keys.Seal(last, rows, time.Now())
		})
		require.NoError(t, err)
		require.NotZero(t, n, "after %d", sealed)
	}
	report, err := audit.Verify(t.Context(), db, keys, "")
	require.NoError(t, err)
	require.Len(t, report.Faults, 1)
	require.Contains(t, report.Faults[0], "1 events have no row")
}
