package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

const auditColumns = `id, at, actor, action, target, result, code, ip, request_id, detail, coalesce(seq, 0), hash`

func scanAudit(row pgx.CollectableRow) (r messages.AuditRow, err error) {
	var id pgtype.UUID
	err = row.Scan(&id, &r.At, &r.Actor, &r.Action, &r.Target, &r.Result, &r.Code, &r.IP, &r.RequestID, &r.Detail, &r.Seq, &r.Hash)
	r.ID, r.At = text(id), r.At.UTC()
	return r, err
}

func scanCheckpoint(row pgx.CollectableRow) (c messages.AuditCheckpoint, err error) {
	err = row.Scan(&c.Seq, &c.Hash, &c.At, &c.Signer, &c.Signature)
	c.At = c.At.UTC()
	return c, err
}

// AddAudit writes rows of what changed nothing. Its errors are those of Write.
func (db *DB) AddAudit(ctx context.Context, rows []messages.AuditRow) error {
	b := &pgx.Batch{}
	for _, r := range rows {
		b.Queue(`INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT DO NOTHING`, key(r.ID), r.At, r.Actor, r.Action, r.Target, r.Result, r.Code, r.IP, r.RequestID, r.Detail)
	}
	if err := db.writes.SendBatch(ctx, b).Close(); err != nil {
		return wrap("audit", classify(err))
	}
	return nil
}

// ListAudit pages through the audit, newest first.
func (db *DB) ListAudit(ctx context.Context, q *messages.AuditQuery) (*messages.AuditPage, error) {
	return anywhere(ctx, db, q, listAudit)
}

func listAudit(ctx context.Context, from querier, q *messages.AuditQuery) (*messages.AuditPage, error) {
	var after pgtype.UUID
	if q.After != nil {
		after, _ = uuid(q.After.GetId())
	}
	rows, err := from.Query(ctx, `
		SELECT `+auditColumns+` FROM audit
		WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2) AND ($3 = '' OR target = $3) AND ($4 = '' OR result = $4)
			AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6) AND ($7::uuid IS NULL OR (at, id) < ($8, $7))
		ORDER BY at DESC, id DESC LIMIT $9`, q.Actor, q.Action, q.Target, q.Result, stamp(q.From), stamp(q.To), after, micros(q.After.GetAt()), q.Limit+1)
	if err != nil {
		return nil, asked("audit", err)
	}
	page := &messages.AuditPage{}
	if page.Items, err = pgx.CollectRows(rows, scanAudit); err != nil {
		return nil, asked("audit", err)
	}
	if len(page.Items) > q.Limit {
		page.Items = page.Items[:q.Limit]
		last := page.Items[q.Limit-1]
		page.Next = &messages.PageKey{Id: last.ID, At: messages.Micros(last.At)}
	}
	return page, nil
}

// auditLock is held by who numbers rows: one at a time, of all nodes.
const auditLock = 0x61756474

// SealAudit numbers rows that have no number yet: seal gives them numbers and hashes
// and makes the checkpoint behind them. It returns how many there were; none where
// another node is at it.
func (db *DB) SealAudit(ctx context.Context, limit int, seal func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint) (n int, err error) {
	err = pgx.BeginFunc(ctx, db.writes, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, auditLock).Scan(&mine); err != nil || !mine {
			return err
		}
		found, err := tx.Query(ctx, `SELECT seq, hash, at, signer, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1`)
		if err != nil {
			return err
		}
		last, err := pgx.CollectOneRow(found, scanCheckpoint)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if found, err = tx.Query(ctx, `SELECT `+auditColumns+` FROM audit WHERE seq IS NULL ORDER BY at, id LIMIT $1`, limit); err != nil {
			return err
		}
		rows, err := pgx.CollectRows(found, scanAudit)
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		c := seal(last, rows)
		ids, seqs, hashes := make([]pgtype.UUID, n), make([]int64, n), make([][]byte, n)
		for i, r := range rows {
			ids[i], seqs[i], hashes[i] = key(r.ID), r.Seq, r.Hash
		}
		b := &pgx.Batch{}
		b.Queue(`
			UPDATE audit a SET seq = c.seq, hash = c.hash FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) c(id, seq, hash)
			WHERE a.id = ANY ($1) AND a.id = c.id`, ids, seqs, hashes)
		b.Queue(`INSERT INTO audit_checkpoints (seq, hash, at, signer, signature) VALUES ($1, $2, $3, $4, $5)`, c.Seq, c.Hash, c.At, c.Signer, c.Signature)
		return tx.SendBatch(ctx, b).Close()
	})
	return n, wrap("seal audit", err)
}

// AuditChain are rows with numbers greater than after, in their order.
func (db *DB) AuditChain(ctx context.Context, after int64, limit int) ([]messages.AuditRow, error) {
	rows, err := db.reads.Query(ctx, `SELECT `+auditColumns+` FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
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

// AuditMissing is how many events have no row, and one of them.
func (db *DB) AuditMissing(ctx context.Context) (n int64, example string, err error) {
	err = pgx.BeginTxFunc(ctx, db.reads, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(auditTime.Milliseconds())); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			SELECT count(*), coalesce(min(e.stream || ' ' || e.seq), '') FROM events e
			WHERE e.audit <> '' AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = e.id)`).Scan(&n, &example)
	})
	return n, example, asked("audit and log", err)
}
