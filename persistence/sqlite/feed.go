package sqlite

import (
	"context"
	"time"

	"atelier/messages"
)

const (
	feedEvents = `
		SELECT f.position, e.id, e.stream, e.seq, e.version, e.type, e.data, e.actor_id, e.occurred_at
		FROM f JOIN events e ON e.stream = f.stream AND e.seq = f.seq ORDER BY f.position`
	mine = `
		SELECT 'users/' || ?3 AS stream
		UNION SELECT 'projects/' || id FROM projects WHERE owner_id = ?3
		UNION SELECT 'projects/' || project_id FROM project_collaborators WHERE user_id = ?3`
)

var (
	wholeFeed = stmt(`WITH f AS (SELECT position, stream, seq FROM feed WHERE position > ?1 ORDER BY position LIMIT ?2)` + feedEvents)
	ownFeed   = stmt(`WITH mine AS (` + mine + `), f AS (
		SELECT f.position, f.stream, f.seq FROM mine m CROSS JOIN feed f ON f.stream = m.stream
		WHERE f.position > ?1 ORDER BY f.position LIMIT ?2)` + feedEvents)
)

// Number has nothing to do: commits number their events themselves.
func (o *Outbox) Number(context.Context, string, time.Duration, int) (numbered int, leads bool, err error) {
	return 0, false, nil
}

// ListFeed reads the feed: all of it, or what concerns a user and the projects that
// he is in.
func (db *DB) ListFeed(ctx context.Context, q *messages.FeedQuery) (*messages.FeedPage, error) {
	page := &messages.FeedPage{Last: q.After}
	statement, args := wholeFeed, []any{q.After, int64(q.Limit)}
	if q.UserID != "" {
		statement, args = ownFeed, append(args, q.UserID)
	}
	err := db.read(ctx, "list feed", statement, args, func(r *row) error {
		page.Last = r.int()
		page.Items = append(page.Items, &messages.EventRecord{
			Id: r.text(), Stream: r.text(), Seq: r.int(), Version: r.int(), Type: r.text(), Data: []byte(r.text()), ActorId: r.text(), OccurredAt: r.int(),
		})
		return nil
	})
	return page, err
}
