package postgres

import (
	"hash/fnv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

// outboxShards is how many relays can share the outbox; a stream stays in one.
const outboxShards = 64

const insertEvents = `
	WITH e AS (INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace)
		SELECT id, stream, seq, version, type, data::json, actor_id, occurred_at, trace
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
			AS c(id, stream, seq, version, type, data, actor_id, occurred_at, trace)` + spare + `)
	INSERT INTO outbox (event_id, shard, stream, seq, created_at)
	SELECT id, shard, stream, seq, occurred_at
	FROM unnest($1::uuid[], $10::smallint[], $2::text[], $3::bigint[], $8::timestamptz[]) AS c(id, shard, stream, seq, occurred_at)`

// eventRows collects the events of a group, column by column.
type eventRows struct {
	id                 []pgtype.UUID
	stream, kind, data []string
	actor, trace       []string
	seq, version       []int64
	at                 []pgtype.Timestamptz
	shard              []int16
}

func (r *eventRows) add(c *store.Commit) {
	if len(c.Events) == 0 {
		return
	}
	h := fnv.New32a()
	h.Write([]byte(c.Stream))
	shard := int16(h.Sum32() % outboxShards)
	for i := range c.Events {
		e := &c.Events[i]
		id, _ := uuid(e.ID)
		r.id, r.stream, r.kind = append(r.id, id), append(r.stream, c.Stream), append(r.kind, e.Type)
		r.data, r.actor, r.trace = append(r.data, string(e.Data)), append(r.actor, e.Actor), append(r.trace, e.Trace)
		r.seq, r.version = append(r.seq, e.Seq), append(r.version, e.Version)
		r.at, r.shard = append(r.at, stamp(e.OccurredAt)), append(r.shard, shard)
	}
}

func (r *eventRows) queue(b *pgx.Batch) {
	if len(r.id) > 0 {
		b.Queue(insertEvents, r.id, r.stream, r.seq, r.version, r.kind, r.data, r.actor, r.at, r.trace, r.shard)
	}
}
