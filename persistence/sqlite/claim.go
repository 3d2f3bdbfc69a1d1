package sqlite

import (
	"context"

	"atelier/actors/store"
)

// claimer takes rows of one kind.
type claimer[S interface{ Head() (version, seq int64) }] struct {
	db   *DB
	kind store.Kind
	*claims
	load func(c *connection, id string) (s S, epoch int64, err error)
}

// claims are the statements about one row of a table.
type claims struct{ exists, take, release *statement }

func claimsOf(table string) *claims {
	return &claims{
		exists:  stmt(`SELECT 1 FROM ` + table + ` WHERE id = ?`),
		take:    stmt(`UPDATE ` + table + ` SET epoch = epoch + 1, node = ? WHERE id = ?`),
		release: stmt(`UPDATE ` + table + ` SET node = NULL WHERE id = ? AND node = ?`),
	}
}

// Claim implements store.Claimer. The file's lock excludes other processes, so
// whoever held the row before is of this one, or dead. The state is loaded once
// the row was won, when no commit is under way. That an id does not exist, as
// before every creation, is found out without waiting for the writer.
func (k claimer[S]) Claim(ctx context.Context, id, node string) (claimed store.Claimed[S], err error) {
	found := false
	err = k.db.read(ctx, "claim", k.exists, []any{id}, func(*row) error { found = true; return nil })
	if err != nil {
		return claimed, err
	}
	if found {
		err = k.db.write(ctx, unflushed, func(c *connection) (err error) {
			taken, err := c.exec(k.take, node, id)
			if found = taken > 0; err != nil || !found {
				return err
			}
			claimed.Fence = store.Fence{Kind: k.kind, ID: id}
			if claimed.State, claimed.Epoch, err = k.load(c, id); err == nil {
				claimed.Version, _ = claimed.State.Head()
			}
			return err
		})
	}
	if err == nil && !found {
		return claimed, store.ErrNotFound
	}
	return claimed, wrap("claim "+string(k.kind), err)
}

// Release implements store.Claimer.
func (k claimer[S]) Release(ctx context.Context, id, node string) error {
	err := k.db.write(ctx, unflushed, func(c *connection) error {
		_, err := c.exec(k.release, id, node)
		return err
	})
	return wrap("release "+string(k.kind), err)
}
