package sqlite

import (
	"context"
	"time"
)

var (
	selectAttempts = stmt(`SELECT log FROM attempts WHERE key = ?`)
	upsertAttempts = stmt(`
		INSERT INTO attempts (key, log, expires_at) VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET log = excluded.log, expires_at = excluded.expires_at`)
	removeAttempts = stmt(`DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`)
)

// UpdateAttempts changes the logs of several keys at once: update is given what is
// there, an empty log where there is none, and says what shall be there, or nil to
// leave all as it is. Nobody else changes them meanwhile. A crash of the machine may
// forget the last ones.
func (db *DB) UpdateAttempts(ctx context.Context, keys [][]byte, expires time.Time, update func(logs [][]byte) [][]byte) error {
	err := db.write(ctx, unflushed, func(c *connection) error {
		logs := make([][]byte, len(keys))
		for i, key := range keys {
			logs[i] = []byte{}
			if err := c.each(selectAttempts, []any{key}, func(r *row) error { logs[i] = r.blob(); return nil }); err != nil {
				return err
			}
		}
		for i, log := range update(logs) {
			if _, err := c.exec(upsertAttempts, keys[i], nonNil(log), expires.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("attempts", err)
}

// sweepAttempts removes logs that have expired.
func (db *DB) sweepAttempts(ctx context.Context, now time.Time, limit int) error {
	err := db.write(ctx, unflushed, func(c *connection) error {
		_, err := c.exec(removeAttempts, now.UnixMicro(), int64(limit))
		return err
	})
	return wrap("sweep attempts", err)
}
