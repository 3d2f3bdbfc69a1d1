package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

// mail is one of the n-th commit.
type mail struct {
	n int32
	*store.Mail
}

var mailColumns = []string{"n int", "id uuid", "kind text", "recipient text", "params bytea", "created_at timestamptz", "expires_at timestamptz", "trace text"}

const insertMails = `
	INSERT INTO mails (id, kind, recipient, params, created_at, due_at, expires_at, trace)
	SELECT id, kind, recipient, params, created_at, created_at, expires_at, trace FROM `

// post queues the mails.
func (q *composition) post() {
	if q.has(withMails) {
		q.input("mailed", mailColumns...)
		q.table("posted", insertMails+`mailed`+q.applied())
	}
}

// mails are the inputs of composition.post.
func (a *arguments) mails(flights []flight) {
	var mails []mail
	for _, f := range flights {
		for i := range f.commit.Mails {
			mails = append(mails, mail{f.n, &f.commit.Mails[i]})
		}
	}
	if len(mails) == 0 {
		return
	}
	a.add(withMails,
		int4s(mails, func(m mail) int32 { return m.n }),
		uuids(mails, func(m mail) pgtype.UUID { return key(m.ID) }),
		texts(mails, func(m mail) string { return m.Kind }),
		texts(mails, func(m mail) string { return m.To }),
		byteas(mails, func(m mail) []byte { return m.Params }),
		times(mails, func(m mail) pgtype.Timestamptz { return stamp(m.Created) }),
		times(mails, func(m mail) pgtype.Timestamptz { return stamp(m.Expires) }),
		texts(mails, func(m mail) string { return m.Trace }))
}

// AddMail queues a mail that is no command's.
func (db *DB) AddMail(ctx context.Context, m store.Mail) error {
	_, err := db.reads.Exec(ctx, `
		INSERT INTO mails (id, kind, recipient, params, created_at, due_at, expires_at, trace) VALUES ($1, $2, $3, $4, $5, $5, $6, $7)`,
		key(m.ID), m.Kind, m.To, nonNil(m.Params), m.Created, m.Expires, m.Trace)
	return asked("add mail", err)
}

// ClaimMails leases mails that are due, the longest waiting first: until the lease
// has run out no other claim returns them. Whoever claims one is its next attempt.
func (db *DB) ClaimMails(ctx context.Context, lease time.Duration, limit int) ([]store.Mail, error) {
	rows, err := db.reads.Query(ctx, `
		WITH due AS (
			SELECT id FROM mails WHERE done_at IS NULL AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE mails m SET due_at = clock_timestamp() + $1, attempt = attempt + 1 FROM due WHERE m.id = due.id
		RETURNING m.id, m.kind, m.recipient, m.params, m.created_at, m.expires_at, m.trace, m.attempt`, lease, limit)
	if err != nil {
		return nil, wrap("claim mails", err)
	}
	mails, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m store.Mail, err error) {
		var id pgtype.UUID
		err = row.Scan(&id, &m.Kind, &m.To, &m.Params, &m.Created, &m.Expires, &m.Trace, &m.Attempt)
		m.ID, m.Created, m.Expires = text(id), m.Created.UTC(), m.Expires.UTC()
		return m, err
	})
	return mails, wrap("claim mails", err)
}

// EndMail says what became of a mail, for good, unless another has claimed it since.
func (db *DB) EndMail(ctx context.Context, id string, attempt int, state string) error {
	_, err := db.reads.Exec(ctx, `UPDATE mails SET state = $3, done_at = clock_timestamp() WHERE id = $1 AND attempt = $2 AND done_at IS NULL`, key(id), attempt, state)
	return wrap("end mail", err)
}

// RetryMail lets a mail be claimed again after a while, unless another has.
func (db *DB) RetryMail(ctx context.Context, id string, attempt int, wait time.Duration) error {
	_, err := db.reads.Exec(ctx, `UPDATE mails SET due_at = clock_timestamp() + $3 WHERE id = $1 AND attempt = $2 AND done_at IS NULL`, key(id), attempt, wait)
	return wrap("retry mail", err)
}

// WaitingMails is how many there are that have not come to an end.
func (db *DB) WaitingMails(ctx context.Context) (waiting int64, err error) {
	err = db.reads.QueryRow(ctx, `SELECT count(*) FROM mails WHERE done_at IS NULL`).Scan(&waiting)
	return waiting, wrap("waiting mails", err)
}

// SweepMails removes mails that came to an end before a time, at most limit of them.
func (db *DB) SweepMails(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	tag, err := db.writes.Exec(ctx, `
		DELETE FROM mails WHERE id = ANY (ARRAY(SELECT id FROM mails WHERE done_at < $1 ORDER BY done_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, before, limit)
	return int(tag.RowsAffected()), wrap("sweep mails", err)
}
