package sqlite

import (
	"context"
	"time"

	"atelier/actors/store"
)

var (
	insertMail = stmt(`
		INSERT INTO mails (id, kind, recipient, params, created_at, due_at, expires_at, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7)`)
	claimMails = stmt(`
		UPDATE mails SET due_at = ?1 + ?2, attempt = attempt + 1
		WHERE id IN (SELECT id FROM mails WHERE done_at IS NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?3)
		RETURNING id, kind, recipient, params, created_at, expires_at, trace, attempt`)
	endMail      = stmt(`UPDATE mails SET state = ?, done_at = ? WHERE id = ? AND attempt = ? AND done_at IS NULL`)
	retryMail    = stmt(`UPDATE mails SET due_at = ? WHERE id = ? AND attempt = ? AND done_at IS NULL`)
	dueMails     = stmt(`SELECT 1 FROM mails WHERE done_at IS NULL AND due_at <= ? LIMIT 1`)
	waitingMails = stmt(`SELECT count(*) FROM mails WHERE done_at IS NULL`)
	sweepMails   = stmt(`DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE done_at < ? ORDER BY done_at LIMIT ?)`)
)

// post queues the mails of a commit.
func (c *connection) post(mails []store.Mail) error {
	for _, m := range mails {
		_, err := c.exec(insertMail, m.ID, m.Kind, m.To, nonNil(m.Params), stamp(m.Created), stamp(m.Expires), m.Trace)
		if err != nil {
			return err
		}
	}
	return nil
}

// AddMail queues a mail that is no command's.
func (db *DB) AddMail(ctx context.Context, m store.Mail) error {
	return wrap("add mail", db.write(ctx, flushed, func(c *connection) error { return c.post([]store.Mail{m}) }))
}

// ClaimMails leases mails that are due, the longest waiting first: until the lease
// has run out no other claim returns them. Whoever claims one is its next attempt.
// That there are none is found out without waiting for the writer.
func (db *DB) ClaimMails(ctx context.Context, lease time.Duration, limit int) (mails []store.Mail, err error) {
	now, due := time.Now().UnixMicro(), false
	err = db.read(ctx, "due mails", dueMails, []any{now}, func(*row) error { due = true; return nil })
	if err != nil || !due {
		return nil, err
	}
	err = db.write(ctx, unflushed, func(c *connection) error {
		return c.each(claimMails, []any{now, lease.Microseconds(), int64(limit)}, func(r *row) error {
			mails = append(mails, store.Mail{
				ID: r.text(), Kind: r.text(), To: r.text(), Params: r.blob(), Created: r.time(), Expires: r.time(), Trace: r.text(), Attempt: int(r.int()),
			})
			return nil
		})
	})
	return mails, wrap("claim mails", err)
}

// EndMail says what became of a mail, for good, unless another has claimed it since.
func (db *DB) EndMail(ctx context.Context, id string, attempt int, state string) error {
	return db.changeMail(ctx, "end mail", endMail, state, time.Now().UnixMicro(), id, int64(attempt))
}

// RetryMail lets a mail be claimed again after a while, unless another has.
func (db *DB) RetryMail(ctx context.Context, id string, attempt int, wait time.Duration) error {
	return db.changeMail(ctx, "retry mail", retryMail, time.Now().Add(wait).UnixMicro(), id, int64(attempt))
}

func (db *DB) changeMail(ctx context.Context, what string, s *statement, args ...any) error {
	return wrap(what, db.write(ctx, unflushed, func(c *connection) error {
		_, err := c.exec(s, args...)
		return err
	}))
}

// WaitingMails is how many there are that have not come to an end.
func (db *DB) WaitingMails(ctx context.Context) (waiting int64, err error) {
	err = db.read(ctx, "waiting mails", waitingMails, nil, func(r *row) error { waiting = r.int(); return nil })
	return waiting, err
}

// SweepMails removes mails that came to an end before a time, at most limit of them.
func (db *DB) SweepMails(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	err = db.write(ctx, unflushed, func(c *connection) (err error) {
		removed, err = c.exec(sweepMails, before.UnixMicro(), int64(limit))
		return err
	})
	return removed, wrap("sweep mails", err)
}
