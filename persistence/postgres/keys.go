package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/messages"
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

// AddKey stores a key, unless one of its id exists, and with it the row of the
// audit that tells of it.
func (db *DB) AddKey(ctx context.Context, k SealedKey, told messages.AuditRow) (added bool, err error) {
	tag, err := db.reads.Exec(ctx, `
		WITH changed AS (INSERT INTO signing_keys (kid, use, public, sealed, created_at, activates_at) VALUES ($10, $11, $12, $13, $14, $15)
			ON CONFLICT DO NOTHING RETURNING kid)`+tellChanged,
		append(toldOf(told), k.Kid, k.Use, nonNil(k.Public), k.Sealed, k.CreatedAt, k.ActivatesAt)...)
	return tag.RowsAffected() > 0, wrap("add key", err)
}

// RemoveKey forgets a key; the audit tells of it where there was one.
func (db *DB) RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error {
	_, err := db.reads.Exec(ctx, `WITH changed AS (DELETE FROM signing_keys WHERE kid = $10 RETURNING kid)`+tellChanged, append(toldOf(told), kid)...)
	return wrap("remove key", err)
}

// tellChanged writes a row of the audit if the statement before it has changed
// one.
const tellChanged = `
	INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail)
	SELECT $1::uuid, $2::timestamptz, $3::text, $4::text, $5::text, $6::text, '', $7::text, $8::text, $9::text FROM changed`

func toldOf(r messages.AuditRow) []any {
	return []any{key(r.ID), r.At, r.Actor, r.Action, r.Target, r.Result, r.IP, r.RequestID, r.Detail}
}

// Now is the time of the database, by which keys begin to sign.
func (db *DB) Now(ctx context.Context) (now time.Time, err error) {
	err = db.reads.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now.UTC(), wrap("now", err)
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
