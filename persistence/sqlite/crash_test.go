package sqlite

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKilledWhileWriting: what was acknowledged is there, and whatever is there
// is whole.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "atelier.db")
	acknowledged := map[string]int64{}
	for round := range 3 {
		c := spawn(t, "write", path)
		for known := len(acknowledged); len(acknowledged) < known+300 && c.Scan(); {
			take(t, acknowledged, c.Text())
		}
		c.kill(t)
		for c.Scan() { // said before it died
			take(t, acknowledged, c.Text())
		}
		require.Error(t, c.Wait())
		require.Greater(t, len(acknowledged), round*300)
		verify(t, path, acknowledged)
	}
}

// take notes a line of a child: an id and a version. The last may be cut.
func take(t *testing.T, acknowledged map[string]int64, line string) {
	t.Helper()
	id, version, whole := strings.Cut(line, " ")
	if !whole {
		return
	}
	n, err := strconv.ParseInt(version, 10, 64)
	require.NoError(t, err)
	acknowledged[id] = n
}

// verify opens what a dead process left, and closes it again.
func verify(t *testing.T, path string, acknowledged map[string]int64) {
	t.Helper()
	db := open(t, path)
	defer db.Close()
	found := map[string]int64{}
	require.NoError(t, db.read(t.Context(), "projects", stmt(`SELECT id, version FROM projects`), nil, func(r *row) error {
		found[r.text()] = r.int()
		return nil
	}))
	for id, version := range acknowledged {
		require.GreaterOrEqual(t, found[id], version, "project %s", id)
	}
	require.Zero(t, count(t, db, `
		SELECT 1 FROM projects p WHERE seq <> version
			OR seq <> (SELECT count(*) FROM events WHERE stream = 'projects/' || p.id)
			OR seq <> (SELECT max(seq) FROM events WHERE stream = 'projects/' || p.id)
			OR NOT EXISTS (SELECT 1 FROM commands WHERE principal = p.owner_id AND command_id = 'k:' || p.id)`), "torn projects")
	require.Zero(t, count(t, db, `SELECT 1 FROM events WHERE id NOT IN (SELECT event_id FROM outbox)`))
	require.Zero(t, count(t, db, `SELECT 1 FROM events WHERE stream LIKE 'projects/%' AND substr(stream, 10) NOT IN (SELECT id FROM projects)`))
	var integrity string
	require.NoError(t, db.read(t.Context(), "integrity", stmt(`PRAGMA integrity_check`), nil, func(r *row) error { integrity = r.text(); return nil }))
	require.Equal(t, "ok", integrity)
}

// TestCommitThatFailed: nobody can tell what became of it until what the log
// holds was settled, which the next transaction does.
func TestCommitThatFailed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "atelier.db")
	acknowledged := map[string]int64{}
	c := spawn(t, "fail", path)
	for range 2 {
		require.True(t, c.Scan())
		take(t, acknowledged, c.Text())
	}
	c.says(t, "settled")
	c.kill(t)
	require.Error(t, c.Wait())
	verify(t, path, acknowledged)
}
