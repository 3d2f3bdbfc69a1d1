package postgres

import (
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

type record struct {
	n      int32
	stream string
	shard  int16
	*store.Event
}

// events are the inputs of composition.record.
func (a *arguments) events(flights []flight) {
	a.mails(flights)
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
		int4s(records, func(r record) int32 { return r.n }),
		uuids(records, func(r record) pgtype.UUID { return key(r.ID) }),
		texts(records, func(r record) string { return r.stream }),
		int2s(records, func(r record) int16 { return r.shard }),
		int8s(records, func(r record) int64 { return r.Seq }),
		int8s(records, func(r record) int64 { return r.Version }),
		texts(records, func(r record) string { return r.Type }),
		texts(records, func(r record) string { return string(r.Data) }),
		texts(records, func(r record) string { return r.Actor }),
		times(records, func(r record) pgtype.Timestamptz { return stamp(r.OccurredAt) }),
		texts(records, func(r record) string { return r.Trace }),
		texts(records, func(r record) string { return r.IP }),
		texts(records, func(r record) string { return r.RequestID }),
		texts(records, func(r record) string { return r.Audit }))
}
