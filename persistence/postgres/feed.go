package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

// leadFeed takes the row of the feed's head, if it is this node's to take. Whoever
// has it in hand numbers alone, until the end of the transaction.
const leadFeed = `
	UPDATE feed_head SET node = $1, expires = clock_timestamp() + $2
	WHERE node = $1 OR node IS NULL OR expires < clock_timestamp()`

// numberFeed gives positions to what was committed. Of a stream that is seen whole up
// to some event, since its commits come one after the other; smaller seqs go first,
// so that a limit never cuts an earlier one off.
const numberFeed = `
	WITH gone AS (
		DELETE FROM feed_pending WHERE ctid = ANY (ARRAY(SELECT ctid FROM feed_pending ORDER BY seq, stream LIMIT $2))
			AND EXISTS (SELECT 1 FROM feed_head WHERE node = $1)
		RETURNING stream, seq, audited),
	numbered AS (
		INSERT INTO feed (position, stream, seq, audited)
		SELECT h.position + row_number() OVER (ORDER BY g.seq, g.stream), g.stream, g.seq, g.audited FROM gone g, feed_head h
		RETURNING 1)
	UPDATE feed_head SET position = position + (SELECT count(*) FROM numbered) WHERE node = $1 AND EXISTS (SELECT 1 FROM gone)
	RETURNING (SELECT count(*) FROM numbered)`

// Number numbers events for the feed, at most limit of them, if no other node does.
func (o *Outbox) Number(ctx context.Context, node string, ttl time.Duration, limit int) (numbered int, leads bool, err error) {
	b := &pgx.Batch{}
	b.Queue(leadFeed, node, ttl).Exec(func(tag pgconn.CommandTag) error { leads = tag.RowsAffected() > 0; return nil })
	b.Queue(numberFeed, node, limit).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&numbered); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	err = o.db.relay.SendBatch(ctx, b).Close()
	if o.db.numbered.Add(int64(numbered)) >= tidyAfter {
		o.db.numbered.Store(0)
		// It only costs time when this fails, as it does while a backup reads.
		_, _ = o.db.relay.Exec(ctx, tidyFeed)
	}
	return numbered, leads, wrap("number events", err)
}

// What was numbered leaves its row behind, and all rows are read each time: under
// load far more of them come together than autovacuum, which looks once a minute,
// would leave to be read.
const (
	tidyAfter = 4000 // rows
	tidyFeed  = `VACUUM (TRUNCATE false, SKIP_LOCKED) feed_pending`
)

const (
	feedEvents = `
		SELECT f.position, e.id, e.stream, e.seq, e.version, e.type, e.data, e.actor_id, e.occurred_at
		FROM f CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.stream = f.stream AND e.seq = f.seq OFFSET 0) e ORDER BY f.position`
	wholeFeed = `WITH f AS (SELECT position, stream, seq FROM feed WHERE position > $1 ORDER BY position LIMIT $2)` + feedEvents
	ownFeed   = `
		WITH mine AS (
			SELECT 'users/' || $3::uuid AS stream
			UNION SELECT 'projects/' || id FROM projects WHERE owner_id = $3
			UNION SELECT 'projects/' || project_id FROM project_collaborators WHERE user_id = $3),
		f AS (
			SELECT f.position, f.stream, f.seq FROM mine m CROSS JOIN LATERAL (
				SELECT position, stream, seq FROM feed WHERE stream = m.stream COLLATE "C" AND position > $1 ORDER BY position LIMIT $2) f
			ORDER BY f.position LIMIT $2)` + feedEvents
)

// ListFeed reads the feed: all of it, or what concerns a user and the projects that
// he is in.
func (db *DB) ListFeed(ctx context.Context, q *messages.FeedQuery) (*messages.FeedPage, error) {
	return anywhere(ctx, db, q, listFeed)
}

func listFeed(ctx context.Context, from querier, q *messages.FeedQuery) (*messages.FeedPage, error) {
	page := &messages.FeedPage{Last: q.After}
	statement, args := wholeFeed, []any{q.After, q.Limit}
	if q.UserID != "" {
		user, ok := uuid(q.UserID)
		if !ok {
			return page, nil
		}
		statement, args = ownFeed, append(args, user)
	}
	rows, err := from.Query(ctx, statement, args...)
	if err != nil {
		return nil, asked("list feed", err)
	}
	page.Items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.EventRecord, error) {
		e := &messages.EventRecord{}
		var id pgtype.UUID
		var at time.Time
		err := row.Scan(&page.Last, &id, &e.Stream, &e.Seq, &e.Version, &e.Type, &e.Data, &e.ActorId, &at)
		e.Id, e.OccurredAt = text(id), messages.Micros(at)
		return e, err
	})
	return page, asked("list feed", err)
}
