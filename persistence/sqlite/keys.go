package sqlite

import (
	"context"
	"time"

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

var (
	selectKeys = stmt(`SELECT kid, use, public, sealed, created_at, activates_at FROM signing_keys ORDER BY created_at, kid`)
	insertKey  = stmt(`
		INSERT INTO signing_keys (kid, use, public, sealed, created_at, activates_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	deleteKey = stmt(`DELETE FROM signing_keys WHERE kid = ?`)
)

// Keys are all signing keys, oldest first.
func (db *DB) Keys(ctx context.Context) (keys []SealedKey, err error) {
	err = db.read(ctx, "keys", selectKeys, nil, func(r *row) error {
		keys = append(keys, SealedKey{
			Kid: r.text(), Use: r.text(), Public: r.blob(), Sealed: r.blob(), CreatedAt: r.time(), ActivatesAt: r.time(),
		})
		return nil
	})
	return keys, err
}

// AddKey stores a key, unless one of its id exists, and with it the row of the
// audit that tells of it.
func (db *DB) AddKey(ctx context.Context, k SealedKey, told messages.AuditRow) (added bool, err error) {
	err = db.write(ctx, flushed, func(c *connection) error {
		n, err := c.exec(insertKey, k.Kid, k.Use, nonNil(k.Public), nonNil(k.Sealed), stamp(k.CreatedAt), stamp(k.ActivatesAt))
		added = n > 0
		return tellChanged(c, n, told, err)
	})
	return added, wrap("add key", err)
}

// RemoveKey forgets a key; the audit tells of it where there was one.
func (db *DB) RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error {
	err := db.write(ctx, flushed, func(c *connection) error {
		n, err := c.exec(deleteKey, kid)
		return tellChanged(c, n, told, err)
	})
	return wrap("remove key", err)
}

// tellChanged writes a row of the audit if n rows were changed.
func tellChanged(c *connection, n int, told messages.AuditRow, err error) error {
	if err != nil || n == 0 {
		return err
	}
	return insertTold(c, told)
}

// Now is the time of the database, by which keys begin to sign: that of this
// machine.
func (db *DB) Now(context.Context) (time.Time, error) { return time.Now().UTC(), nil }
