package sqlite

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
)

// TestTransactionThatBreaks: nothing of it is left, neither in the file nor on
// the connection.
func TestTransactionThatBreaks(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	id, odd := newID(), errors.New("odd")
	insert := func(c *connection) error {
		r, err := c.write(registration(id))
		return errors.Join(r.Err, err)
	}
	err := db.write(t.Context(), flushed, func(c *connection) error { return errors.Join(insert(c), odd) })
	require.ErrorIs(t, err, odd)
	require.ErrorIs(t, err, store.ErrRolledBack)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	require.Panics(t, func() {
		_ = db.write(t.Context(), flushed, func(c *connection) error { _ = insert(c); panic("odd") })
	})
	require.Zero(t, count(t, db, `SELECT 1 FROM users`))
	applied(t, db, registration(id))
	require.Equal(t, 1, count(t, db, `SELECT 1 FROM users`))
}

// TestFullDatabase: for lack of space nothing is written, and all is well when
// there is space again.
func TestFullDatabase(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	owner := newID()
	applied(t, db, registration(owner))
	pages := func(limit string) {
		require.NoError(t, db.writes.use(t.Context(), func(c *connection) error {
			return c.each(stmt(`PRAGMA max_page_count = `+limit), nil, func(*row) error { return nil })
		}))
	}
	pages("1") // as many as there are
	var err error
	written := 0
	for ; err == nil && written < 1000; written++ {
		_, err = db.Write(t.Context(), []*store.Commit{creation(newID(), owner, "A project")})
	}
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Equal(t, written-1, count(t, db, `SELECT 1 FROM projects`))
	pages("1000000")
	applied(t, db, creation(newID(), owner, "A project"))
	require.Equal(t, written, count(t, db, `SELECT 1 FROM events WHERE type = 'project.created'`))
}

func TestWriterIsBusy(t *testing.T) {
	t.Parallel()
	db, path := fresh(t)
	id := newID()

	// Within the process one waits in line, for as long as the context allows.
	c, err := db.writes.take(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.Write(ctx, []*store.Commit{registration(id)})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
	db.writes.idle <- c

	// A tool that writes to the file is waited for, though not for long.
	tool, err := newSource(path).connect("")
	require.NoError(t, err)
	defer tool.close()
	_, err = tool.exec(begin)
	require.NoError(t, err)
	_, err = db.Write(t.Context(), []*store.Commit{registration(id)})
	require.ErrorIs(t, err, store.ErrUnavailable)
	_, err = tool.exec(rollback)
	require.NoError(t, err)
	applied(t, db, registration(id))
}

// TestReadsDoNotWaitForTheWriter: not even that an id is free.
func TestReadsDoNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	owner, id := newID(), newID()
	applied(t, db, registration(owner), creation(id, owner, "A project"))
	c, err := db.writes.take(t.Context())
	require.NoError(t, err)
	defer func() { db.writes.idle <- c }()
	_, err = c.exec(begin)
	require.NoError(t, err)
	_, err = c.write(creation(newID(), owner, "Another"))
	require.NoError(t, err)
	defer func() { _, _ = c.exec(rollback) }()

	page, err := db.ListProjects(t.Context(), &messages.ProjectQuery{UserId: owner, Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.GetItems(), 1)
	_, err = db.Projects().Claim(t.Context(), newID(), "n1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

// TestWhatIsWaitedFor: commits are on the disk before they are acknowledged,
// claims need not be.
func TestWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	level := func(d durability) (n int64) {
		require.NoError(t, db.write(t.Context(), d, func(c *connection) error {
			return c.each(stmt(`PRAGMA synchronous`), nil, func(r *row) error { n = r.int(); return nil })
		}))
		return n
	}
	const normal, full = 1, 2
	for range 2 {
		require.EqualValues(t, full, level(flushed))
		require.EqualValues(t, normal, level(unflushed))
	}
}
