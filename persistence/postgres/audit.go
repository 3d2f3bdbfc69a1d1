package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

// Rows of the audit are in two tables. What changed nothing, and what was told before
// events were rows themselves, is in audit, each with its number and its hash. Events
// are where they are, and seals have the numbers and hashes of many of them.
const (
	auditColumns = `id, at, actor, action, target, result, code, ip, request_id, detail, seq, hash`
	eventColumns = `e.id, e.occurred_at, e.actor_id, e.type, e.stream, 'done', '', e.ip, e.request_id, e.audit`
)

func scanAudit(row pgx.CollectableRow) (r messages.AuditRow, err error) {
	var id pgtype.UUID
	var seq *int64
	err = row.Scan(&id, &r.At, &r.Actor, &r.Action, &r.Target, &r.Result, &r.Code, &r.IP, &r.RequestID, &r.Detail, &seq, &r.Hash)
	if r.ID, r.At = text(id), r.At.UTC(); seq != nil {
		r.Seq = *seq
	}
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

// auditPage finds the page among the rows and among the events that have none, and
// numbers of the latter in the seals of its time.
const auditPage = `
	WITH page AS (
		SELECT * FROM (
			(SELECT ` + auditColumns + ` FROM audit
			WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2) AND ($3 = '' OR target = $3) AND ($4 = '' OR result = $4)
				AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6) AND ($7::uuid IS NULL OR (at, id) < ($8, $7))
			ORDER BY at DESC, id DESC LIMIT $9)
			UNION ALL
			(SELECT ` + eventColumns + `, NULL, NULL FROM events e
			WHERE audit <> '' AND ($1 = '' OR actor_id = $1) AND ($2 = '' OR type = $2) AND ($3 = '' OR stream = $3) AND ($4 IN ('', 'done'))
				AND ($5 IS NULL OR occurred_at >= $5) AND ($6 IS NULL OR occurred_at < $6) AND ($7 IS NULL OR (occurred_at, id) < ($8, $7))
				AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = e.id OFFSET 0)
			ORDER BY occurred_at DESC, id DESC LIMIT $9)) found
		ORDER BY at DESC, id DESC LIMIT $9),
	sealed AS MATERIALIZED (
		SELECT u.id, s.first + u.n - 1 AS seq, u.hash
		FROM audit_seals s CROSS JOIN LATERAL unnest(s.ids, s.hashes) WITH ORDINALITY u(id, hash, n)
		WHERE tstzrange(s.since, s.until, '[]') && (SELECT tstzrange(min(at), max(at), '[]') FROM page WHERE seq IS NULL))
	SELECT p.id, at, actor, action, target, result, code, ip, request_id, detail, coalesce(p.seq, s.seq, 0), coalesce(p.hash, s.hash)
	FROM page p LEFT JOIN sealed s ON s.id = p.id ORDER BY at DESC, p.id DESC`

func listAudit(ctx context.Context, from querier, q *messages.AuditQuery) (*messages.AuditPage, error) {
	var after pgtype.UUID
	if q.After != nil {
		after, _ = uuid(q.After.GetId())
	}
	rows, err := from.Query(ctx, auditPage, q.Actor, q.Action, q.Target, q.Result, stamp(q.From), stamp(q.To), after, micros(q.After.GetAt()), q.Limit+1)
	if err != nil {
		return nil, asked("audit", err)
	}
	page := &messages.AuditPage{}
	if page.Items, err = pgx.CollectRows(rows, scanAudit); err != nil {
		return nil, asked("audit", err)
	}
	page.Items, page.Next = messages.Cut(page.Items, q.Limit, messages.ByTime)
	return page, nil
}
