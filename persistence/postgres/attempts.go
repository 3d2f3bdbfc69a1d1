package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// UpdateAttempts changes the logs of several keys at once: update is given what is
// there, an empty log where there is none, and says what shall be there, or nil to
// leave all as it is. Nobody else changes them meanwhile. A crash of the database may
// forget the last ones.
func (db *DB) UpdateAttempts(ctx context.Context, keys [][]byte, expires time.Time, update func(logs [][]byte) [][]byte) error {
	order := slices.SortedFunc(slices.Values(keys), bytes.Compare) // so that nobody waits in a circle
	err := pgx.BeginFunc(ctx, db.writes, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		logs := make([][]byte, len(keys))
		for _, key := range order {
			var log []byte
			if err := tx.QueryRow(ctx, `
				INSERT INTO attempts (key, log, expires_at) VALUES ($1, '', $2)
				ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING log`, key, expires).Scan(&log); err != nil {
				return err
			}
			logs[slices.IndexFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })] = log
		}
		for i, log := range update(logs) {
			if _, err := tx.Exec(ctx, `UPDATE attempts SET log = $2, expires_at = $3 WHERE key = $1`, keys[i], log, expires); err != nil {
				return err
			}
		}
		return nil
	})
	return asked("attempts", err)
}

// sweepAttempts removes logs that have expired.
func (db *DB) sweepAttempts(ctx context.Context, now time.Time, limit int) error {
	_, err := db.writes.Exec(ctx, `
		DELETE FROM attempts WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM attempts WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, now, limit)
	return wrap("sweep attempts", err)
}
