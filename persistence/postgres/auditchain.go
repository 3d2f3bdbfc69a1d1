package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

// auditLock is held by who numbers rows: one at a time, of all nodes.
const auditLock = 0x61756474

// SealAudit numbers rows that have no number yet, events as soon as they are in the
// feed: seal gives them numbers and hashes and makes the checkpoint behind them. It
// returns how many there were; none where another node is at it.
func (db *DB) SealAudit(ctx context.Context, limit int, seal func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint) (n int, err error) {
	err = pgx.BeginFunc(ctx, db.writes, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, auditLock).Scan(&mine); err != nil || !mine {
			return err
		}
		last, err := lastCheckpoint(ctx, tx)
		if err != nil {
			return err
		}
		found, err := tx.Query(ctx, `SELECT `+auditColumns+` FROM audit WHERE seq IS NULL ORDER BY at, id LIMIT $1`, limit)
		if err != nil {
			return err
		}
		rows, err := pgx.CollectRows(found, scanAudit)
		if err != nil {
			return err
		}
		told := len(rows)
		events, err := unsealedEvents(ctx, tx, limit-told)
		if err != nil {
			return err
		}
		if rows = append(rows, events.rows...); len(rows) == 0 {
			return events.read(ctx, tx)
		}
		c := seal(last, rows)
		b := &pgx.Batch{}
		sealRows(b, rows[:told])
		sealEvents(b, rows[told:], events.positions)
		b.Queue(`INSERT INTO audit_checkpoints (seq, hash, at, signer, signature) VALUES ($1, $2, $3, $4, $5)`, c.Seq, c.Hash, c.At, c.Signer, c.Signature)
		n = len(rows)
		return errors.Join(tx.SendBatch(ctx, b).Close(), events.read(ctx, tx))
	})
	return n, wrap("seal audit", err)
}

// lastCheckpoint is the zero one where there is none.
func lastCheckpoint(ctx context.Context, tx pgx.Tx) (last messages.AuditCheckpoint, err error) {
	found, err := tx.Query(ctx, `SELECT seq, hash, at, signer, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1`)
	if err != nil {
		return last, err
	}
	last, err = pgx.CollectOneRow(found, scanCheckpoint)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return last, err
}

// unsealed are events that the audit tells of, in the order of the feed.
type unsealed struct {
	rows      []messages.AuditRow
	positions []int64
	from, to  int64 // all are read behind the one position and up to the other
}

// nextPart is how far the feed was read, and where the next $1 events end that the audit
// tells of. It asks the feed alone: of the log some may be gone.
const nextPart = `
	SELECT a.position, coalesce(
		(SELECT position FROM feed WHERE position > a.position AND position <= f.position AND audited ORDER BY position OFFSET $1::bigint - 1 LIMIT 1), f.position)
	FROM audit_head a, feed_head f`

const partEvents = `
	SELECT ` + eventColumns + `, NULL::bigint, NULL::bytea, f.position
	FROM (SELECT position, stream, seq FROM feed WHERE position > $1 AND position <= $2 AND audited) f
	CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.stream = f.stream AND e.seq = f.seq OFFSET 0) e
	WHERE e.audit <> '' ORDER BY f.position`

func unsealedEvents(ctx context.Context, tx pgx.Tx, limit int) (u unsealed, err error) {
	if limit == 0 {
		return u, nil
	}
	if err := tx.QueryRow(ctx, nextPart, limit).Scan(&u.from, &u.to); err != nil || u.from == u.to {
		return u, err
	}
	found, err := tx.Query(ctx, partEvents, u.from, u.to)
	if err != nil {
		return u, err
	}
	u.rows, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (messages.AuditRow, error) {
		var position int64
		r, err := scanAudit(behind{row, &position})
		u.positions = append(u.positions, position)
		return r, err
	})
	return u, err
}

// behind is a row with a column more than who scans it knows.
type behind struct {
	pgx.CollectableRow
	last any
}

// Scan implements pgx.CollectableRow.
func (b behind) Scan(dest ...any) error { return b.CollectableRow.Scan(append(dest, b.last)...) }

// read notes how far the feed was read.
func (u *unsealed) read(ctx context.Context, tx pgx.Tx) error {
	if u.from == u.to {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE audit_head SET position = $1`, u.to)
	return err
}

func sealRows(b *pgx.Batch, rows []messages.AuditRow) {
	if len(rows) == 0 {
		return
	}
	ids, hashes := sealed(rows)
	seqs := make([]int64, len(rows))
	for i, r := range rows {
		seqs[i] = r.Seq
	}
	b.Queue(`
		UPDATE audit a SET seq = c.seq, hash = c.hash FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) c(id, seq, hash)
		WHERE a.id = ANY ($1) AND a.id = c.id`, ids, seqs, hashes)
}

func sealEvents(b *pgx.Batch, rows []messages.AuditRow, positions []int64) {
	if len(rows) == 0 {
		return
	}
	ids, hashes := sealed(rows)
	at := func(a, b messages.AuditRow) int { return a.At.Compare(b.At) }
	b.Queue(`INSERT INTO audit_seals (first, last, since, until, ids, positions, hashes) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		rows[0].Seq, rows[len(rows)-1].Seq, slices.MinFunc(rows, at).At, slices.MaxFunc(rows, at).At, ids, positions, hashes)
}

func sealed(rows []messages.AuditRow) (ids []pgtype.UUID, hashes [][]byte) {
	for _, r := range rows {
		ids, hashes = append(ids, key(r.ID)), append(hashes, r.Hash)
	}
	return ids, hashes
}

// sealsAtOnce are read together at most. A seal has as many rows as were numbered at
// once: often one, and sometimes hundreds.
const sealsAtOnce = 1_000

// sealsOfPage is the end of the seals that have a page of rows, and of one at least.
const sealsOfPage = `
	SELECT max(last) FROM (SELECT last, row_number() OVER (ORDER BY last) AS n FROM (SELECT last FROM audit_seals WHERE last > $1 ORDER BY last LIMIT $3) s) s
	WHERE n = 1 OR last <= $1 + $2`

// sealedEvents are the rows of the seals between these numbers. One whose event is
// gone, or is another, is left out.
const sealedEvents = `
	SELECT ` + eventColumns + `, s.first + s.n - 1, s.hash
	FROM (SELECT s.first, u.* FROM (SELECT * FROM audit_seals WHERE last > $1 AND last <= $2 ORDER BY last) s
		CROSS JOIN LATERAL unnest(s.ids, s.positions, s.hashes) WITH ORDINALITY u(id, position, hash, n)) s
	CROSS JOIN LATERAL (SELECT * FROM feed f WHERE f.position = s.position OFFSET 0) f
	CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.stream = f.stream AND e.seq = f.seq AND e.id = s.id OFFSET 0) e
	WHERE s.first + s.n - 1 > $1 ORDER BY s.first + s.n - 1`

// AuditChain are rows with numbers greater than after, in their order.
func (db *DB) AuditChain(ctx context.Context, after int64, limit int) (all []messages.AuditRow, err error) {
	for len(all) == 0 {
		var end *int64 // of the seals that are read now; null: there are no more
		err := db.reads.QueryRow(ctx, sealsOfPage, after, limit, sealsAtOnce).Scan(&end)
		if err != nil {
			return nil, asked("audit chain", err)
		}
		rows, err := db.chained(ctx, `SELECT `+auditColumns+` FROM audit WHERE seq > $1 AND ($2::bigint IS NULL OR seq <= $2) ORDER BY seq LIMIT $3`, after, end, limit)
		if err != nil {
			return nil, err
		}
		if end == nil {
			return rows, nil
		}
		events, err := db.chained(ctx, sealedEvents, after, end)
		if err != nil {
			return nil, err
		}
		if len(rows) == limit { // what is behind them may have more rows before it
			events = slices.DeleteFunc(events, func(r messages.AuditRow) bool { return r.Seq > rows[limit-1].Seq })
		}
		all = append(rows, events...)
		slices.SortStableFunc(all, func(a, b messages.AuditRow) int { return cmp.Compare(a.Seq, b.Seq) })
		after = *end
	}
	return all[:min(limit, len(all))], nil
}

func (db *DB) chained(ctx context.Context, query string, args ...any) ([]messages.AuditRow, error) {
	rows, err := db.reads.Query(ctx, query, args...)
	if err != nil {
		return nil, asked("audit chain", err)
	}
	all, err := pgx.CollectRows(rows, scanAudit)
	return all, asked("audit chain", err)
}

// AuditCheckpoints are those with numbers greater than after, in their order.
func (db *DB) AuditCheckpoints(ctx context.Context, after int64, limit int) ([]messages.AuditCheckpoint, error) {
	rows, err := db.reads.Query(ctx, `SELECT seq, hash, at, signer, signature FROM audit_checkpoints WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	if err != nil {
		return nil, asked("audit checkpoints", err)
	}
	all, err := pgx.CollectRows(rows, scanCheckpoint)
	return all, asked("audit checkpoints", err)
}

// auditTime bounds the comparison of the audit with the log.
const auditTime = 5 * time.Minute

// unaccounted are events that the audit tells of and that are not in the chain,
// although the feed was read beyond them, and events of the feed that are gone, or
// parts of the feed, whose positions have no gaps.
const unaccounted = `
	WITH sealed AS MATERIALIZED (SELECT unnest(positions) AS position FROM audit_seals)
	SELECT stream, seq FROM (
		SELECT e.stream, e.seq FROM events e LEFT JOIN feed f ON f.stream = e.stream AND f.seq = e.seq
		WHERE e.audit <> '' AND f.position <= (SELECT position FROM audit_head) AND NOT EXISTS (SELECT 1 FROM sealed s WHERE s.position = f.position)
			AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = e.id)
		UNION ALL
		SELECT f.stream, f.seq FROM feed f LEFT JOIN events e ON e.stream = f.stream AND e.seq = f.seq WHERE f.audited AND e.stream IS NULL
		UNION ALL
		SELECT 'feed', position FROM feed_head WHERE position <> (SELECT count(*) FROM feed)) u`

// AuditMissing is how many events have no row, and one of them.
func (db *DB) AuditMissing(ctx context.Context) (n int64, example string, err error) {
	err = pgx.BeginTxFunc(ctx, db.reads, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(auditTime.Milliseconds())); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(*), coalesce(min(stream || ' ' || seq), '') FROM (`+unaccounted+`) u`).Scan(&n, &example)
	})
	return n, example, asked("audit and log", err)
}
