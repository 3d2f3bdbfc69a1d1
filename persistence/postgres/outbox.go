package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/outbox"
	"atelier/messages"
)

func shardOf(stream string) int16 { return int16(outbox.ShardOf(stream)) }

// Outbox implements outbox.Source, and what operators ask of it. It has
// connections of its own: a backlog keeps neither queries nor commits waiting.
type Outbox struct{ db *DB }

// Outbox of this database.
func (db *DB) Outbox() *Outbox { return &Outbox{db} }

// seenRelays is how long a relay with a broker is remembered: until then nobody
// discards what it may come back for.
const seenRelays = 24 * time.Hour

// share is how many shards the relay $1, with a broker or without ($3), should
// have at most: as many as each of its kind, and none without one while anybody
// has one.
const share = `
	SELECT CASE WHEN NOT $3 AND EXISTS (SELECT 1 FROM outbox_relays WHERE broker) THEN 0
		ELSE (SELECT ceil(64.0 / greatest(count(*), 1)) FROM outbox_relays WHERE broker = $3 AND expires > clock_timestamp()) END::int`

// mayBeWanted is the condition that somebody may want an event: there is a broker, or was
// within a day, or somebody publishes its stream, or it is not known, since nobody
// relays or a program of the version before does. What nobody wants would be removed
// again unread. Who announces himself finds all that begins after he has.
const mayBeWanted = `stream LIKE ANY ((
	SELECT CASE WHEN bool_and(NOT broker AND wants IS NOT NULL) THEN array_agg(wants) ELSE '{%}' END
	FROM outbox_relays WHERE broker OR expires > clock_timestamp())::text[])`

// pattern is that of streams that begin so, and of none for nil.
func pattern(beginning *string) string {
	if beginning == nil {
		return ""
	}
	return *beginning + "%"
}

const (
	forgetRelays = `DELETE FROM outbox_relays WHERE expires < clock_timestamp() - $1::interval`
	announce     = `
		INSERT INTO outbox_relays (node, broker, wants, expires) VALUES ($1, $3, $4, clock_timestamp() + $2)
		ON CONFLICT (node) DO UPDATE SET broker = excluded.broker, wants = excluded.wants, expires = excluded.expires`
	prolong = `
		UPDATE outbox_shards SET expires = clock_timestamp() + $2, epoch = CASE WHEN expires < clock_timestamp() THEN epoch + 1 ELSE epoch END
		WHERE node = $1`
	acquire = `
		UPDATE outbox_shards SET node = $1, epoch = epoch + 1, expires = clock_timestamp() + $2 WHERE shard IN (
			SELECT shard FROM outbox_shards WHERE node IS NULL OR expires < clock_timestamp() ORDER BY shard
			LIMIT greatest((` + share + `) - (SELECT count(*) FROM outbox_shards WHERE node = $1), 0) FOR UPDATE SKIP LOCKED)`
	heldShards = `SELECT shard, epoch FROM outbox_shards WHERE node = $1 AND expires > clock_timestamp() ORDER BY shard`
)

// Lease implements outbox.Source.
func (o *Outbox) Lease(ctx context.Context, node string, ttl time.Duration, broker bool, wanted *string) (held []outbox.Lease, most int, err error) {
	b := &pgx.Batch{}
	b.Queue(forgetRelays, seenRelays)
	b.Queue(announce, node, ttl, broker, pattern(wanted))
	b.Queue(prolong, node, ttl)
	b.Queue(acquire, node, ttl, broker)
	b.Queue(`SELECT (`+share+`), $1::text, $2::interval`, node, ttl, broker).QueryRow(func(row pgx.Row) error {
		return row.Scan(&most, nil, nil)
	})
	b.Queue(heldShards, node).Query(func(rows pgx.Rows) (err error) {
		held, err = pgx.CollectRows(rows, pgx.RowToStructByPos[outbox.Lease])
		return err
	})
	err = o.db.relay.SendBatch(ctx, b).Close()
	return held, most, wrap("lease shards", err)
}

// GiveBack implements outbox.Source.
func (o *Outbox) GiveBack(ctx context.Context, node string, leases []outbox.Lease, leave bool) error {
	shards, epochs := columns(leases)
	b := &pgx.Batch{}
	b.Queue(`UPDATE outbox_shards s SET node = NULL FROM unnest($2::smallint[], $3::bigint[]) h(shard, epoch)
		WHERE s.node = $1 AND s.shard = h.shard AND s.epoch = h.epoch`, node, shards, epochs)
	if leave {
		b.Queue(`UPDATE outbox_relays SET expires = clock_timestamp() WHERE node = $1`, node)
	}
	return wrap("give shards back", o.db.relay.SendBatch(ctx, b).Close())
}

func columns(leases []outbox.Lease) (shards []int16, epochs []int64) {
	shards, epochs = make([]int16, 0, len(leases)), make([]int64, 0, len(leases))
	for _, l := range leases {
		shards, epochs = append(shards, int16(l.Shard)), append(epochs, l.Epoch)
	}
	return shards, epochs
}

// notParked leaves out streams that have stopped.
const notParked = `NOT EXISTS (SELECT 1 FROM outbox_parked p WHERE p.stream = o.stream)`

// Unsent implements outbox.Source. Within a stream commits come one after the
// other, so that whoever sees an event sees all before it.
func (o *Outbox) Unsent(ctx context.Context, leases []outbox.Lease, without []string, perShard, limit int) ([]outbox.Event, error) {
	shards, _ := columns(leases)
	if without == nil {
		without = []string{}
	}
	rows, err := o.db.relay.Query(ctx, `
		SELECT o.event_id, o.shard, o.stream, o.seq, e.type, e.occurred_at, e.trace, e.data::text
		FROM unnest($1::smallint[]) s(shard)
		CROSS JOIN LATERAL (
			SELECT o.event_id, o.shard, o.stream, o.seq FROM outbox o
			WHERE o.sent_at IS NULL AND o.shard = s.shard AND o.stream <> ALL ($2::text[]) AND `+notParked+`
			ORDER BY o.stream, o.seq LIMIT $3) o
		CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.stream = o.stream AND e.seq = o.seq OFFSET 0) e
		LIMIT $4`, shards, without, perShard, limit)
	if err != nil {
		return nil, wrap("unsent events", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (outbox.Event, error) {
		var e outbox.Event
		var id pgtype.UUID
		var data string
		err := row.Scan(&id, &e.Shard, &e.Stream, &e.Seq, &e.Type, &e.OccurredAt, &e.Trace, &data)
		e.ID, e.OccurredAt, e.Data = text(id), e.OccurredAt.UTC(), []byte(data)
		return e, err
	})
	slices.SortStableFunc(events, func(a, b outbox.Event) int {
		if c := strings.Compare(a.Stream, b.Stream); c != 0 {
			return c
		}
		return int(a.Seq - b.Seq)
	})
	return events, wrap("unsent events", err)
}

// good are the leases ($1 shards, $2 epochs) that still hold.
const good = `(SELECT s.shard FROM unnest($1::smallint[], $2::bigint[]) h(shard, epoch) JOIN outbox_shards s ON s.shard = h.shard AND s.epoch = h.epoch)`

// markSent finds the events one by one, by their ids. Statistics mostly say that next
// to nothing is unsent; by them it would read all that is, for each batch of a backlog.
const markSent = `
	UPDATE outbox SET sent_at = clock_timestamp() WHERE ctid = ANY (ARRAY(
		SELECT o.ctid FROM unnest($3::uuid[]) m(id)
		CROSS JOIN LATERAL (SELECT ctid, shard, sent_at FROM outbox WHERE event_id = m.id OFFSET 0) o
		WHERE o.sent_at IS NULL AND o.shard IN ` + good + `))`

// Mark implements outbox.Source.
func (o *Outbox) Mark(ctx context.Context, leases []outbox.Lease, events []outbox.Event) (int, error) {
	shards, epochs := columns(leases)
	ids := make([]pgtype.UUID, 0, len(events))
	for _, e := range events {
		ids = append(ids, key(e.ID))
	}
	tag, err := o.db.relay.Exec(ctx, markSent, shards, epochs, ids)
	return int(tag.RowsAffected()), wrap("mark events", err)
}

// Discard implements outbox.Source.
func (o *Outbox) Discard(ctx context.Context, leases []outbox.Lease, wanted string, limit int) (int, error) {
	shards, epochs := columns(leases)
	tag, err := o.db.relay.Exec(ctx, `
		DELETE FROM outbox WHERE ctid = ANY (ARRAY(
			SELECT o.ctid FROM (SELECT shard FROM outbox_shards WHERE shard IN `+good+`) s
			CROSS JOIN LATERAL (
				SELECT o.ctid FROM outbox o WHERE o.sent_at IS NULL AND o.shard = s.shard AND ($4 = '' OR NOT starts_with(o.stream, $4)) LIMIT $3) o LIMIT $3))`,
		shards, epochs, limit, wanted)
	return int(tag.RowsAffected()), wrap("discard events", err)
}

var errLeaseLost = errors.New("postgres: the shard is another's by now")

// Park implements outbox.Source.
func (o *Outbox) Park(ctx context.Context, lease outbox.Lease, e outbox.Event, reason string) error {
	tag, err := o.db.relay.Exec(ctx, `
		INSERT INTO outbox_parked (stream, shard, event_id, seq, type, reason, parked_at)
		SELECT $3, shard, $4, $5, $6, $7, clock_timestamp() FROM outbox_shards WHERE shard = $1 AND epoch = $2
		ON CONFLICT (stream) DO UPDATE SET reason = excluded.reason`, lease.Shard, lease.Epoch, e.Stream, key(e.ID), e.Seq, e.Type, reason)
	if err == nil && tag.RowsAffected() == 0 {
		return errLeaseLost
	}
	return wrap("park stream", err)
}

// Backlog implements outbox.Source.
func (o *Outbox) Backlog(ctx context.Context, leases []outbox.Lease) (b outbox.Backlog, err error) {
	shards, _ := columns(leases)
	var oldest *time.Time
	var now time.Time
	err = o.db.relay.QueryRow(ctx, `
		SELECT count(*), min(o.created_at), clock_timestamp(), (SELECT count(*) FROM outbox_parked WHERE shard = ANY ($1::smallint[]))
		FROM unnest($1::smallint[]) s(shard) CROSS JOIN LATERAL (
			SELECT o.created_at FROM outbox o WHERE o.sent_at IS NULL AND o.shard = s.shard AND `+notParked+`
			ORDER BY o.stream, o.seq LIMIT $2) o`, shards, outbox.BacklogCounted).Scan(&b.Unsent, &oldest, &now, &b.Parked)
	if oldest != nil {
		b.Oldest = max(now.Sub(*oldest), 0)
	}
	return b, wrap("outbox backlog", err)
}

// Parked lists streams that have stopped, the longest first.
func (o *Outbox) Parked(ctx context.Context) ([]messages.ParkedStream, error) {
	rows, err := o.db.relay.Query(ctx, `SELECT stream, event_id::text, seq, type, reason, parked_at FROM outbox_parked ORDER BY parked_at, stream`)
	if err != nil {
		return nil, wrap("parked streams", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[messages.ParkedStream])
	return list, wrap("parked streams", err)
}

// redriven is how many rows are taken back at a time.
const redriven = 2000

// Redrive has parked streams go on, and events sent again.
func (o *Outbox) Redrive(ctx context.Context, r outbox.Redrive) (streams, events int, err error) {
	tag, err := o.db.relay.Exec(ctx, `DELETE FROM outbox_parked WHERE $1 = '' OR stream = $1`, r.Stream)
	if err != nil {
		return 0, 0, wrap("redrive", err)
	}
	streams = int(tag.RowsAffected())
	for after := (pgtype.UUID{Valid: true}); r.Since > 0; {
		rows, err := o.db.relay.Query(ctx, `
			UPDATE outbox SET sent_at = NULL WHERE event_id IN (
				SELECT event_id FROM outbox WHERE event_id > $1 AND sent_at > clock_timestamp() - $2::interval AND ($3 = '' OR stream = $3)
				ORDER BY event_id LIMIT $4) RETURNING event_id`, after, r.Since, r.Stream, redriven)
		if err != nil {
			return streams, events, wrap("redrive", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
		if err != nil || len(ids) == 0 {
			return streams, events, wrap("redrive", err)
		}
		events += len(ids)
		after = slices.MaxFunc(ids, func(a, b pgtype.UUID) int { return bytes.Compare(a.Bytes[:], b.Bytes[:]) })
	}
	return streams, events, nil
}

// Sweep removes events that were sent longer ago, at most limit of them. Ids begin
// with the time of the event, which was before: so they are found by their index.
// One of a clock that was ahead stays for as much longer.
func (o *Outbox) Sweep(ctx context.Context, longerAgo time.Duration, limit int) (removed int, err error) {
	for removed < limit {
		batch := min(limit-removed, sweepBatch)
		tag, err := o.db.relay.Exec(ctx, `
			DELETE FROM outbox WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM outbox
				WHERE event_id < rpad(lpad(to_hex((extract(epoch FROM clock_timestamp() - $1::interval) * 1000)::bigint), 12, '0'), 32, '0')::uuid
					AND sent_at < clock_timestamp() - $1::interval
				ORDER BY event_id LIMIT $2 FOR UPDATE SKIP LOCKED))`, longerAgo, batch)
		if err != nil {
			return removed, wrap("sweep outbox", err)
		}
		removed += int(tag.RowsAffected())
		if tag.RowsAffected() < int64(batch) {
			break
		}
	}
	return removed, nil
}
