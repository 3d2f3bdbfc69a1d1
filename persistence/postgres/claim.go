package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

// claimer takes rows of one kind.
type claimer[S any] struct {
	db    *DB
	kind  store.Kind
	table string
	load  string // the row, by id
	row   func(row pgx.Row, id string) (s S, version int64, err error)
	loads []rest[S] // rows of other tables that belong to it
}

// rest is a query by the id of a row, and how its rows become a part of the state.
type rest[S any] struct {
	text string
	read func(rows pgx.Rows) (fill func(S), err error)
}

// Claim implements store.Claimer. Claim and load travel together; the load is a
// statement of its own and sees a snapshot taken after the row was won. One
// statement for both would see the new row of a commit that it waited for
// beside the old rows of its other tables.
func (c claimer[S]) Claim(ctx context.Context, id, node string) (store.Claimed[S], error) {
	key, ok := uuid(id)
	if !ok {
		return store.Claimed[S]{}, store.ErrNotFound
	}
	claimed, err := c.take(ctx, id, key, node)
	if !errors.Is(err, errNotTaken) {
		return claimed, err
	}
	owner, err := c.owner(ctx, key)
	if err != nil {
		return claimed, err
	}
	free := owner == "" || owner == node // handed over since
	if !free {
		if free, err = c.db.bury(ctx, owner, LeaseTTL); err != nil {
			return claimed, err
		}
	}
	if free {
		if claimed, err = c.take(ctx, id, key, node); !errors.Is(err, errNotTaken) {
			return claimed, err
		}
	}
	return claimed, &store.MovedError{Node: owner}
}

var errNotTaken = errors.New("postgres: the row was not taken")

func (c claimer[S]) take(ctx context.Context, id string, key pgtype.UUID, node string) (claimed store.Claimed[S], err error) {
	batch := &pgx.Batch{}
	fills := make([]func(S), len(c.loads))
	queueRest := func() {
		for i, more := range c.loads {
			batch.Queue(more.text, key).Query(func(rows pgx.Rows) (err error) {
				fills[i], err = more.read(rows)
				return err
			})
		}
	}
	if whole {
		// The lock first: the statement that judges the owner then sees what
		// the owner's lease was granted before it took the row.
		batch.Queue(`SELECT FROM `+c.table+` WHERE id = $1 FOR NO KEY UPDATE`, key)
	} else {
		queueRest()
	}
	claimed.Fence = store.Fence{Kind: c.kind, ID: id}
	taken := true
	batch.Queue(takeSQL(c.table), key, node).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&claimed.Epoch)
		if errors.Is(err, pgx.ErrNoRows) {
			taken, err = false, nil
		}
		return err
	})
	batch.Queue(c.load, key).QueryRow(func(row pgx.Row) (err error) {
		claimed.State, claimed.Version, err = c.row(row, id)
		if errors.Is(err, pgx.ErrNoRows) {
			taken, err = false, nil
		}
		return err
	})
	if whole {
		queueRest()
	}
	if err := c.db.claims.SendBatch(ctx, batch).Close(); err != nil {
		return claimed, wrap("claim "+string(c.kind), err)
	}
	if !taken {
		return claimed, errNotTaken
	}
	for _, fill := range fills {
		fill(claimed.State)
	}
	return claimed, nil
}

// takeSQL takes the row unless another node holds it whose lease must be
// respected: not buried, and exclusive.
func takeSQL(table string) string {
	return `UPDATE ` + table + ` AS row SET epoch = epoch + 1, node = $2
		WHERE id = $1 AND (node IS NULL OR node = $2
			OR NOT EXISTS (SELECT 1 FROM nodes WHERE name = row.node AND NOT dead AND exclusive))
		RETURNING epoch`
}

func (c claimer[S]) owner(ctx context.Context, key pgtype.UUID) (node string, err error) {
	err = c.db.claims.QueryRow(ctx, `SELECT coalesce(node, '') FROM `+c.table+` WHERE id = $1`, key).Scan(&node)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", store.ErrNotFound
	}
	return node, wrap("owner", err)
}

// Release implements store.Claimer.
func (c claimer[S]) Release(ctx context.Context, id, node string) error {
	_, err := c.db.claims.Exec(ctx, `UPDATE `+c.table+` SET node = NULL WHERE id = $1 AND node = $2`, key(id), node)
	return wrap("release "+string(c.kind), err)
}
