package postgres

import (
	"context"
	"time"
)

// UseTicket reports whether nobody has used the ticket before, on whatever node.
func (db *DB) UseTicket(ctx context.Context, id string, expires time.Time) (first bool, err error) {
	tag, err := db.writes.Exec(ctx, `INSERT INTO used_tickets (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, expires)
	return err == nil && tag.RowsAffected() == 1, asked("use a ticket", err)
}

// sweepTickets removes tickets that have expired.
func (db *DB) sweepTickets(ctx context.Context, now time.Time, limit int) error {
	_, err := db.writes.Exec(ctx, `
		DELETE FROM used_tickets WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM used_tickets WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, now, limit)
	return wrap("sweep tickets", err)
}
