package sqlite

import "atelier/actors/store"

var (
	insertEvent = stmt(`
		INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace, ip, request_id, audit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)` + spare)
	insertOutbox = stmt(`INSERT INTO outbox (event_id, shard, stream, seq, created_at) VALUES (?, ?, ?, ?, ?)`)
)

// record appends to the log and the outbox, and to the mails.
func (c *connection) record(one *store.Commit) error {
	if err := c.post(one.Mails); err != nil || len(one.Events) == 0 {
		return err
	}
	shard := shardOf(one.Stream)
	for _, e := range one.Events {
		at := stamp(e.OccurredAt)
		if _, err := c.exec(insertEvent, e.ID, one.Stream, e.Seq, e.Version, e.Type, string(e.Data), e.Actor, at, e.Trace, e.IP, e.RequestID, e.Audit); err != nil {
			return err
		}
		if _, err := c.exec(insertOutbox, e.ID, shard, one.Stream, e.Seq, at); err != nil {
			return err
		}
	}
	return nil
}
