// Package sqlite keeps the truth in one file, for an installation of one
// process: it claims rows for activations, writes groups of commits in one
// transaction each and answers queries.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"atelier/messages"
)

// Config says where the database is and how many connections to use.
type Config struct {
	Path    string // of the file
	Readers int    // connections for queries; 0: two for each core, at least four
}

// DB is a database. It is safe for concurrent use.
type DB struct {
	lock   *lock
	reads  *pool
	writes *pool // one connection: SQLite has one writer at a time
}

// Open holds the file against other processes and connects to it; it must have
// been migrated. An error that wraps ErrInUse names the process that holds it.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Readers == 0 {
		c.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	held, err := hold(c.Path)
	if err != nil {
		return nil, err
	}
	source := newSource(c.Path)
	db := &DB{lock: held, reads: newPool(c.Readers, source.reader), writes: newPool(1, source.writer)}
	// The writer first: it recovers what a crash left behind.
	for _, p := range []*pool{db.writes, db.reads} {
		if err := p.use(ctx, func(*connection) error { return nil }); err != nil {
			db.Close()
			return nil, wrap("open "+c.Path, err)
		}
	}
	return db, nil
}

// Close waits for the statements under way and ends all connections.
func (db *DB) Close() {
	db.reads.close()
	db.writes.close()
	db.lock.release()
}

var (
	selectOne   = stmt(`SELECT 1`)
	selectLogID = stmt(`SELECT log FROM installation`)
)

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.read(ctx, "ping", selectOne, nil, func(*row) error { return nil })
}

// LogID is the identity of the event log.
func (db *DB) LogID(ctx context.Context) (id string, err error) {
	err = db.read(ctx, "log id", selectLogID, nil, func(r *row) error { id = r.text(); return nil })
	return id, err
}

// readTimeout bounds a query.
const readTimeout = 5 * time.Second

// read runs a query on a connection of its own and hands on its rows.
func (db *DB) read(ctx context.Context, what string, s *statement, args []any, each func(*row) error) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return wrap(what, db.reads.use(ctx, func(c *connection) error { return c.query(ctx, s, args, each) }))
}

// sweepBatch is how many rows are removed at a time, so that no commit waits
// for long.
const sweepBatch = 1000

var removeExpired = stmt(`
	DELETE FROM commands WHERE (principal, command_id) IN (
		SELECT principal, command_id FROM commands WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`)

// Sweep removes commands that expired before now, at most limit of them, and logs of
// attempts.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	for removed < limit {
		batch, found := min(limit-removed, sweepBatch), 0
		err := db.write(ctx, unflushed, func(c *connection) (err error) {
			found, err = c.exec(removeExpired, now.UnixMicro(), int64(batch))
			return err
		})
		if err != nil {
			return removed, wrap("sweep", err)
		}
		removed += found
		if found < batch {
			break
		}
	}
	if err := db.sweepAttempts(ctx, now, limit); err != nil {
		return removed, err
	}
	return removed, db.sweepTickets(ctx, now, limit)
}

var removeSessions = stmt(`
	DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE id < ? AND expires_at < ? ORDER BY id LIMIT ?)`)

// SweepSessions removes sessions that were opened before that time and are over, at
// most limit of them. Ids begin with the time: so they are found by their index.
func (db *DB) SweepSessions(ctx context.Context, openedBefore, now time.Time, limit int) (removed int, err error) {
	err = db.write(ctx, unflushed, func(c *connection) (err error) {
		removed, err = c.exec(removeSessions, messages.FormatUUID(messages.FirstUUID(openedBefore)), now.UnixMicro(), int64(limit))
		return err
	})
	return removed, wrap("sweep sessions", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlite: %s: %w", what, err)
}

var errClosed = errors.New("the database was closed")
