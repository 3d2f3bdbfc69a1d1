package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"atelier/actors/outbox"
	"atelier/messages"
)

func shardOf(stream string) int64 { return int64(outbox.ShardOf(stream)) }

// Outbox implements outbox.Source, and what operators ask of it. The process has
// the file to itself, and so all shards.
type Outbox struct{ db *DB }

// Outbox of this database.
func (db *DB) Outbox() *Outbox { return &Outbox{db} }

// Lease implements outbox.Source.
func (o *Outbox) Lease(context.Context, string, time.Duration, bool, *string) (held []outbox.Lease, share int, err error) {
	for shard := range outbox.Shards {
		held = append(held, outbox.Lease{Shard: shard, Epoch: 1})
	}
	return held, outbox.Shards, nil
}

// GiveBack implements outbox.Source.
func (o *Outbox) GiveBack(context.Context, string, []outbox.Lease, bool) error { return nil }

const notParked = `NOT EXISTS (SELECT 1 FROM outbox_parked p WHERE p.stream = o.stream)`

// unwanted are unsent events of streams that do not begin with ?1; all, where it is
// empty.
const unwanted = `sent_at IS NULL AND (?1 = '' OR substr(stream, 1, length(?1)) <> ?1)`

// Lists are JSON texts: a statement has a fixed number of parameters.
var (
	selectUnsent = stmt(`
		SELECT o.event_id, o.shard, o.stream, o.seq, e.type, e.occurred_at, e.trace, e.data FROM (
			SELECT o.event_id, o.shard, o.stream, o.seq FROM outbox o
			WHERE o.sent_at IS NULL AND o.shard = ?1 AND o.stream NOT IN (SELECT value FROM json_each(?2)) AND ` + notParked + `
			ORDER BY o.stream, o.seq LIMIT ?3) o
		JOIN events e ON e.stream = o.stream AND e.seq = o.seq
		ORDER BY o.stream, o.seq`)
	selectShards  = stmt(`SELECT DISTINCT shard FROM outbox WHERE sent_at IS NULL`)
	markSent      = stmt(`UPDATE outbox SET sent_at = ?2 WHERE event_id IN (SELECT value FROM json_each(?1)) AND sent_at IS NULL`)
	discardUnsent = stmt(`DELETE FROM outbox WHERE event_id IN (SELECT event_id FROM outbox WHERE ` + unwanted + ` LIMIT ?2)`)
	insertParked  = stmt(`
		INSERT INTO outbox_parked (stream, shard, event_id, seq, type, reason, parked_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (stream) DO UPDATE SET reason = excluded.reason`)
	selectBacklog = stmt(`SELECT count(*), min(created_at) FROM (
		SELECT o.created_at FROM outbox o WHERE o.sent_at IS NULL AND ` + notParked + ` LIMIT ?1)`)
	countParked  = stmt(`SELECT count(*) FROM outbox_parked`)
	selectParked = stmt(`SELECT stream, event_id, seq, type, reason, parked_at FROM outbox_parked ORDER BY parked_at, stream`)
	deleteParked = stmt(`DELETE FROM outbox_parked WHERE ?1 = '' OR stream = ?1`)
	unmarkSent   = stmt(`UPDATE outbox SET sent_at = NULL WHERE sent_at > ?1 AND (?2 = '' OR stream = ?2)`)
	deleteSent   = stmt(`DELETE FROM outbox WHERE event_id IN (
		SELECT event_id FROM outbox WHERE event_id < ?3 AND sent_at < ?1 ORDER BY event_id LIMIT ?2)`)
)

// Unsent implements outbox.Source.
func (o *Outbox) Unsent(ctx context.Context, leases []outbox.Lease, without []string, perShard, limit int) (events []outbox.Event, err error) {
	mine := make(map[int]bool, len(leases))
	for _, l := range leases {
		mine[l.Shard] = true
	}
	var shards []int64
	err = o.db.read(ctx, "unsent events", selectShards, nil, func(r *row) error {
		if shard := r.int(); mine[int(shard)] {
			shards = append(shards, shard)
		}
		return nil
	})
	for _, shard := range shards {
		if err != nil || len(events) >= limit {
			break
		}
		args := []any{shard, list(without), int64(min(perShard, limit-len(events)))}
		err = o.db.read(ctx, "unsent events", selectUnsent, args, func(r *row) error {
			events = append(events, outbox.Event{
				ID: r.text(), Shard: int(r.int()), Stream: r.text(), Seq: r.int(), Type: r.text(), OccurredAt: r.time(), Trace: r.text(), Data: []byte(r.text()),
			})
			return nil
		})
	}
	return events, err
}

func list(texts []string) string {
	if texts == nil {
		return "[]"
	}
	b, _ := json.Marshal(texts)
	return string(b)
}

// changed runs a statement in a transaction of its own. What it marks may be
// forgotten with the machine: then events are sent twice.
func (o *Outbox) changed(ctx context.Context, what string, s *statement, args ...any) (n int, err error) {
	err = o.db.write(ctx, unflushed, func(c *connection) (err error) {
		n, err = c.exec(s, args...)
		return err
	})
	return n, wrap(what, err)
}

// Mark implements outbox.Source.
func (o *Outbox) Mark(ctx context.Context, _ []outbox.Lease, events []outbox.Event) (int, error) {
	ids := make([]string, 0, len(events))
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return o.changed(ctx, "mark events", markSent, list(ids), time.Now().UnixMicro())
}

// Discard implements outbox.Source.
func (o *Outbox) Discard(ctx context.Context, _ []outbox.Lease, wanted string, limit int) (int, error) {
	found := false
	if err := o.db.read(ctx, "unsent events", anyUnwanted, []any{wanted}, func(*row) error { found = true; return nil }); err != nil || !found {
		return 0, err // the writer is not kept from commits for nothing
	}
	return o.changed(ctx, "discard events", discardUnsent, wanted, int64(limit))
}

var anyUnwanted = stmt(`SELECT 1 FROM outbox WHERE ` + unwanted + ` LIMIT 1`)

// Park implements outbox.Source.
func (o *Outbox) Park(ctx context.Context, lease outbox.Lease, e outbox.Event, reason string) error {
	_, err := o.changed(ctx, "park stream", insertParked, e.Stream, int64(lease.Shard), e.ID, e.Seq, e.Type, reason, time.Now().UnixMicro())
	return err
}

// Backlog implements outbox.Source.
func (o *Outbox) Backlog(ctx context.Context, _ []outbox.Lease) (b outbox.Backlog, err error) {
	err = o.db.read(ctx, "outbox backlog", selectBacklog, []any{int64(outbox.Shards * outbox.BacklogCounted)}, func(r *row) error {
		b.Unsent = int(r.int())
		if oldest := r.int(); oldest != 0 {
			b.Oldest = max(time.Since(time.UnixMicro(oldest)), 0)
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	return b, o.db.read(ctx, "outbox backlog", countParked, nil, func(r *row) error { b.Parked = int(r.int()); return nil })
}

// Parked lists streams that have stopped, the longest first.
func (o *Outbox) Parked(ctx context.Context) (all []messages.ParkedStream, err error) {
	err = o.db.read(ctx, "parked streams", selectParked, nil, func(r *row) error {
		all = append(all, messages.ParkedStream{Stream: r.text(), EventID: r.text(), Seq: r.int(), Type: r.text(), Reason: r.text(), At: r.time()})
		return nil
	})
	return all, err
}

// Redrive has parked streams go on, and events sent again.
func (o *Outbox) Redrive(ctx context.Context, r outbox.Redrive) (streams, events int, err error) {
	if streams, err = o.changed(ctx, "redrive", deleteParked, r.Stream); err != nil || r.Since <= 0 {
		return streams, 0, err
	}
	events, err = o.changed(ctx, "redrive", unmarkSent, time.Now().Add(-r.Since).UnixMicro(), r.Stream)
	return streams, events, err
}

// Sweep removes events that were sent longer ago, at most limit of them. Ids begin
// with the time of the event, which was before: so they are found by their index.
func (o *Outbox) Sweep(ctx context.Context, longerAgo time.Duration, limit int) (removed int, err error) {
	for removed < limit {
		batch := min(limit-removed, sweepBatch)
		before := time.Now().Add(-longerAgo)
		found, err := o.changed(ctx, "sweep outbox", deleteSent, before.UnixMicro(), int64(batch), messages.FormatUUID(messages.FirstUUID(before)))
		if err != nil {
			return removed, err
		}
		removed += found
		if found < batch {
			break
		}
	}
	return removed, nil
}
