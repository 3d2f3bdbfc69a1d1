package postgres

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

const (
	insertCommands = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::boolean[], $7::timestamptz[])
				AS c(n, principal, command_id, fingerprint, reply, reference, expires_at)),
		done AS (INSERT INTO commands (principal, command_id, fingerprint, reply, reference, expires_at)
			SELECT principal, command_id, fingerprint, reply, reference, expires_at FROM c
			ON CONFLICT DO NOTHING RETURNING principal, command_id)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE (principal, command_id) NOT IN (SELECT principal, command_id FROM done))) END`
	findCommands = `
		SELECT c.n, m.principal, m.command_id, m.fingerprint, m.reply, m.reference
		FROM unnest($1::int[], $2::text[], $3::text[]) AS c(n, principal, command_id)
		JOIN commands m ON m.principal = c.principal AND m.command_id = c.command_id`
)

// commandRows collects the commands of a group: those to store and those to
// look up.
type commandRows struct {
	replies []numberedReply
	n       []int32
	who, id []string
}

type numberedReply struct {
	n int32
	*store.Reply
}

type foundReply struct {
	n     int32
	reply store.Reply
}

func (r *commandRows) add(n int32, c *store.Commit) {
	if !deduped {
		return
	}
	for i := range c.Replies {
		r.replies = append(r.replies, numberedReply{n, &c.Replies[i]})
	}
	for _, key := range c.Lookups {
		r.n, r.who, r.id = append(r.n, n), append(r.who, key.Principal), append(r.id, key.Command)
	}
}

func (r *commandRows) queue(b *pgx.Batch, found *[]foundReply) {
	if len(r.n) > 0 {
		b.Queue(findCommands, r.n, r.who, r.id).Query(func(rows pgx.Rows) error { return readFound(rows, found) })
	}
	if len(r.replies) == 0 {
		return
	}
	// Two nodes that store the same commands wait for each other in one order.
	slices.SortFunc(r.replies, func(a, b numberedReply) int {
		if c := strings.Compare(a.Principal, b.Principal); c != 0 {
			return c
		}
		return strings.Compare(a.Command, b.Command)
	})
	var n []int32
	var who, id []string
	var fingerprint, body [][]byte
	var reference []bool
	var expires []pgtype.Timestamptz
	for _, reply := range r.replies {
		n, who, id = append(n, reply.n), append(who, reply.Principal), append(id, reply.Command)
		fingerprint, body = append(fingerprint, nonNil(reply.Fingerprint)), append(body, nonNil(reply.Body))
		reference, expires = append(reference, reply.Reference), append(expires, stamp(reply.Expires))
	}
	b.Queue(insertCommands, n, who, id, fingerprint, body, reference, expires)
}

func readFound(rows pgx.Rows, found *[]foundReply) error {
	var f foundReply
	_, err := pgx.ForEachRow(rows, []any{&f.n, &f.reply.Principal, &f.reply.Command, &f.reply.Fingerprint, &f.reply.Body, &f.reply.Reference}, func() error {
		*found = append(*found, f)
		f.reply.Fingerprint, f.reply.Body = nil, nil
		return nil
	})
	return err
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
