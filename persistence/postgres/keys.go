package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SealedKey is a row of signing_keys. The private part is sealed by the caller.
type SealedKey struct {
	Kid         string
	Use         string
	Public      []byte
	Sealed      []byte
	CreatedAt   time.Time
	ActivatesAt time.Time
}

// Keys are all signing keys, oldest first.
func (db *DB) Keys(ctx context.Context) ([]SealedKey, error) {
	rows, err := db.reads.Query(ctx, `SELECT kid, use, public, sealed, created_at, activates_at FROM signing_keys ORDER BY created_at, kid`)
	if err != nil {
		return nil, wrap("keys", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k SealedKey, err error) {
		err = row.Scan(&k.Kid, &k.Use, &k.Public, &k.Sealed, &k.CreatedAt, &k.ActivatesAt)
		k.CreatedAt, k.ActivatesAt = k.CreatedAt.UTC(), k.ActivatesAt.UTC()
		return k, err
	})
	return keys, wrap("keys", err)
}

// AddKey stores a key, unless one of its id exists.
func (db *DB) AddKey(ctx context.Context, k SealedKey) (added bool, err error) {
	tag, err := db.reads.Exec(ctx, `
		INSERT INTO signing_keys (kid, use, public, sealed, created_at, activates_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`, k.Kid, k.Use, nonNil(k.Public), k.Sealed, k.CreatedAt, k.ActivatesAt)
	return tag.RowsAffected() > 0, wrap("add key", err)
}

// RemoveKey forgets a key.
func (db *DB) RemoveKey(ctx context.Context, kid string) error {
	_, err := db.reads.Exec(ctx, `DELETE FROM signing_keys WHERE kid = $1`, kid)
	return wrap("remove key", err)
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
