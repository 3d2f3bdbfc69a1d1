package sqlite

import (
	"context"
	"time"
)

var (
	insertTicket  = stmt(`INSERT INTO used_tickets (id, expires_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`)
	removeTickets = stmt(`DELETE FROM used_tickets WHERE id IN (SELECT id FROM used_tickets WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`)
)

// UseTicket reports whether nobody has used the ticket before.
func (db *DB) UseTicket(ctx context.Context, id string, expires time.Time) (first bool, err error) {
	err = db.write(ctx, flushed, func(c *connection) error {
		n, err := c.exec(insertTicket, id, expires.UnixMicro())
		first = n == 1
		return err
	})
	return err == nil && first, wrap("use a ticket", err)
}

// sweepTickets removes tickets that have expired.
func (db *DB) sweepTickets(ctx context.Context, now time.Time, limit int) error {
	err := db.write(ctx, unflushed, func(c *connection) error {
		_, err := c.exec(removeTickets, now.UnixMicro(), int64(limit))
		return err
	})
	return wrap("sweep tickets", err)
}
