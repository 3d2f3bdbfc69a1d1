package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/messages"
)

// Cached are the values that are kept under these names, of whatever stamp.
func (db *DB) Cached(ctx context.Context, names []string) ([]messages.Cached, error) {
	rows, err := db.reads.Query(ctx, `SELECT name, stamp, body FROM cached WHERE name = ANY ($1) AND expires_at > clock_timestamp()`, names)
	if err != nil {
		return nil, wrap("cached", err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowToStructByPos[messages.Cached])
	return values, wrap("cached", err)
}

// Cache keeps values for some time, each in the place of the one before. They have
// different names.
func (db *DB) Cache(ctx context.Context, values []messages.Cached, keep time.Duration) error {
	names, stamps, bodies := make([]string, len(values)), make([]string, len(values)), make([][]byte, len(values))
	for i, v := range values {
		names[i], stamps[i], bodies[i] = v.Name, v.Stamp, v.Body
	}
	_, err := db.reads.Exec(ctx, `
		INSERT INTO cached (name, stamp, body, expires_at)
		SELECT name, stamp, coalesce(body, ''), clock_timestamp() + $4 FROM unnest($1::text[], $2::text[], $3::bytea[]) AS v (name, stamp, body) ORDER BY name
		ON CONFLICT (name) DO UPDATE SET stamp = excluded.stamp, body = excluded.body, expires_at = excluded.expires_at`, names, stamps, bodies, keep)
	return wrap("cache", err)
}

// SweepCache removes values that have expired, at most limit of them.
func (db *DB) SweepCache(ctx context.Context, limit int) (removed int, err error) {
	tag, err := db.reads.Exec(ctx, `
		DELETE FROM cached WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM cached WHERE expires_at < clock_timestamp() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`, limit)
	return int(tag.RowsAffected()), wrap("sweep cache", err)
}
