package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"atelier/actors/store"
)

// durability is what a transaction waits for.
type durability bool

const (
	// flushed transactions are on the disk when they end.
	flushed durability = true
	// unflushed ones survive the end of the process, and the machine's once a
	// flushed one has followed. They are for what nobody was promised: after a
	// crash of the machine no activation is left that a claim could concern.
	unflushed durability = false
)

var (
	begin    = stmt(`BEGIN IMMEDIATE`)
	commit   = stmt(`COMMIT`)
	rollback = stmt(`ROLLBACK`)
)

var flushing = map[durability]string{flushed: `PRAGMA synchronous = FULL`, unflushed: `PRAGMA synchronous = NORMAL`}

// write runs f in a transaction of the writer. Unless it returns nil, nothing
// of it is written, or, where the commit itself failed, nobody can tell.
func (db *DB) write(ctx context.Context, d durability, f func(*connection) error) error {
	c, err := db.writes.take(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	// Whatever does not end cleanly costs the connection, a panic too: the next
	// one begins by settling what the log holds.
	clean := false
	defer func() {
		if !clean {
			c.close()
			c = nil
		}
		db.writes.idle <- c
	}()
	if err := c.begin(d); err != nil {
		return notWritten(err)
	}
	if err := f(c); err != nil {
		_, failed := c.exec(rollback)
		clean = failed == nil
		return notWritten(err)
	}
	if _, err = c.exec(commit); err != nil {
		return notCommitted(err)
	}
	clean = true
	return nil
}

func (c *connection) begin(d durability) error {
	if c.waits != d {
		// It takes effect as it is compiled, and so cannot be kept prepared.
		if _, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), flushing[d], nil); err != nil {
			return err
		}
		c.waits = d
	}
	_, err := c.exec(begin)
	return err
}

// notWritten tells errors before a commit: the disk's and the file's, with
// which nothing can be written, from those of what was to be written.
func notWritten(err error) error {
	switch code(err) {
	case codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_NOMEM,
		codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL, codes.SQLITE_INTERRUPT, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", store.ErrRolledBack, err)
}

// notCommitted judges a commit that failed. Where the disk was full its last
// frame, which makes it count, was not written. After any other error it may
// be in the log all the same, to be found by a recovery.
func notCommitted(err error) error {
	if code(err) == codes.SQLITE_FULL {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// code is SQLite's primary result code, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
