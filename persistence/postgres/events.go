package postgres

import (
	"hash/fnv"

	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

// outboxShards is how many relays can share the outbox; a stream stays in one.
const outboxShards = 64

func shardOf(stream string) int16 {
	h := fnv.New32a()
	h.Write([]byte(stream))
	return int16(h.Sum32() % outboxShards)
}

type record struct {
	n      int32
	stream string
	shard  int16
	*store.Event
}

// events are the inputs of composition.record.
func (a *arguments) events(flights []flight) {
	var records []record
	for _, f := range flights {
		shard := shardOf(f.commit.Stream)
		for i := range f.commit.Events {
			records = append(records, record{f.n, f.commit.Stream, shard, &f.commit.Events[i]})
		}
	}
	if len(records) == 0 {
		return
	}
	a.add(withEvents,
		column(records, func(r record) int32 { return r.n }),
		column(records, func(r record) pgtype.UUID { return key(r.ID) }),
		column(records, func(r record) string { return r.stream }),
		column(records, func(r record) int16 { return r.shard }),
		column(records, func(r record) int64 { return r.Seq }),
		column(records, func(r record) int64 { return r.Version }),
		column(records, func(r record) string { return r.Type }),
		column(records, func(r record) string { return string(r.Data) }),
		column(records, func(r record) string { return r.Actor }),
		column(records, func(r record) pgtype.Timestamptz { return stamp(r.OccurredAt) }),
		column(records, func(r record) string { return r.Trace }))
}
