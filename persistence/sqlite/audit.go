package sqlite

import (
	"context"
	"time"

	"atelier/messages"
)

const auditColumns = `id, at, actor, action, target, result, code, ip, request_id, detail, coalesce(seq, 0), hash`

var (
	insertAudit = stmt(`INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`)
	listAudit = stmt(`
		SELECT ` + auditColumns + ` FROM audit
		WHERE (?1 = '' OR actor = ?1) AND (?2 = '' OR action = ?2) AND (?3 = '' OR target = ?3) AND (?4 = '' OR result = ?4)
			AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6) AND (?7 IS NULL OR (at, id) < (?7, ?8))
		ORDER BY at DESC, id DESC LIMIT ?9`)
	openAudit        = stmt(`SELECT ` + auditColumns + ` FROM audit WHERE seq IS NULL ORDER BY at, id LIMIT ?`)
	sealAudit        = stmt(`UPDATE audit SET seq = ?, hash = ? WHERE id = ?`)
	lastCheckpoint   = stmt(`SELECT seq, hash, at, signer, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1`)
	insertCheckpoint = stmt(`INSERT INTO audit_checkpoints (seq, hash, at, signer, signature) VALUES (?, ?, ?, ?, ?)`)
	chainAudit       = stmt(`SELECT ` + auditColumns + ` FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`)
	checkpoints      = stmt(`SELECT seq, hash, at, signer, signature FROM audit_checkpoints WHERE seq > ? ORDER BY seq LIMIT ?`)
	missingAudit     = stmt(`
		SELECT count(*), coalesce(min(e.stream || ' ' || e.seq), '') FROM events e
		WHERE e.audit <> '' AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = e.id)`)
)

func (r *row) audit() messages.AuditRow {
	a := messages.AuditRow{
		ID: r.text(), At: r.time(), Actor: r.text(), Action: r.text(), Target: r.text(), Result: r.text(), Code: r.text(),
		IP: r.text(), RequestID: r.text(), Detail: r.text(), Seq: r.int(),
	}
	if hash := r.blob(); len(hash) > 0 {
		a.Hash = hash
	}
	return a
}

func (r *row) checkpoint() messages.AuditCheckpoint {
	return messages.AuditCheckpoint{Seq: r.int(), Hash: r.blob(), At: r.time(), Signer: r.text(), Signature: r.blob()}
}

// AddAudit writes rows of what changed nothing. Its errors are those of Write.
func (db *DB) AddAudit(ctx context.Context, rows []messages.AuditRow) error {
	err := db.write(ctx, flushed, func(c *connection) error {
		for _, r := range rows {
			if err := insertTold(c, r); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("audit", err)
}

func insertTold(c *connection, r messages.AuditRow) error {
	_, err := c.exec(insertAudit, r.ID, r.At.UnixMicro(), r.Actor, r.Action, r.Target, r.Result, r.Code, r.IP, r.RequestID, r.Detail)
	return err
}

// ListAudit pages through the audit, newest first.
func (db *DB) ListAudit(ctx context.Context, q *messages.AuditQuery) (*messages.AuditPage, error) {
	page := &messages.AuditPage{}
	args := []any{q.Actor, q.Action, q.Target, q.Result, stamp(q.From), stamp(q.To), micros(q.After.GetAt()), q.After.GetId(), int64(q.Limit) + 1}
	err := db.read(ctx, "audit", listAudit, args, func(r *row) error {
		page.Items = append(page.Items, r.audit())
		return nil
	})
	page.Items, page.Next = messages.Cut(page.Items, q.Limit, messages.ByTime)
	return page, err
}

// SealAudit numbers rows that have no number yet: seal gives them numbers and hashes
// and makes the checkpoint behind them. It returns how many there were.
func (db *DB) SealAudit(ctx context.Context, limit int, seal func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint) (n int, err error) {
	err = db.write(ctx, flushed, func(c *connection) error {
		var last messages.AuditCheckpoint
		var rows []messages.AuditRow
		if err := c.each(lastCheckpoint, nil, func(r *row) error { last = r.checkpoint(); return nil }); err != nil {
			return err
		}
		if err := c.each(openAudit, []any{int64(limit)}, func(r *row) error { rows = append(rows, r.audit()); return nil }); err != nil {
			return err
		}
		if n = len(rows); n == 0 {
			return nil
		}
		p := seal(last, rows)
		for _, r := range rows {
			if _, err := c.exec(sealAudit, r.Seq, r.Hash, r.ID); err != nil {
				return err
			}
		}
		_, err := c.exec(insertCheckpoint, p.Seq, p.Hash, p.At.UnixMicro(), p.Signer, p.Signature)
		return err
	})
	return n, wrap("seal audit", err)
}

// AuditChain are rows with numbers greater than after, in their order.
func (db *DB) AuditChain(ctx context.Context, after int64, limit int) (all []messages.AuditRow, err error) {
	err = db.read(ctx, "audit chain", chainAudit, []any{after, int64(limit)}, func(r *row) error {
		all = append(all, r.audit())
		return nil
	})
	return all, err
}

// AuditCheckpoints are those with numbers greater than after, in their order.
func (db *DB) AuditCheckpoints(ctx context.Context, after int64, limit int) (all []messages.AuditCheckpoint, err error) {
	err = db.read(ctx, "audit checkpoints", checkpoints, []any{after, int64(limit)}, func(r *row) error {
		all = append(all, r.checkpoint())
		return nil
	})
	return all, err
}

// auditTime bounds the comparison of the audit with the log.
const auditTime = 5 * time.Minute

// AuditMissing is how many events have no row, and one of them.
func (db *DB) AuditMissing(ctx context.Context) (n int64, example string, err error) {
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	err = db.reads.use(ctx, func(c *connection) error {
		return c.query(ctx, missingAudit, nil, func(r *row) error { n, example = r.int(), r.text(); return nil })
	})
	return n, example, wrap("audit and log", err)
}
