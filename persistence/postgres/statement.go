package postgres

import (
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"atelier/actors/store"
	"atelier/messages"
)

// parts are the inputs that a statement may have beside the commits themselves.
// A statement is prepared for each combination in use, so that none pays for
// inputs that are empty.
type parts int

const (
	withEvents parts = 1 << iota
	withReplies
	withSearch // for the commands of the replies: they may have been carried out before
	withLookups
	withPut // collaborators put, sessions opened
	withOut // collaborators removed, sessions ended
	withMails
	withDoubt // rows to insert may be there already, or refer to some that are not
	combinations
)

// composition is the text of one statement under way. Its common table
// expressions are, in order: c, the commits; known, their commands that were
// carried out before; against, what a constraint speaks against, and refused, the
// part of it that is told; done, the rows written; failed, the commits that are
// not applied. All further writes ask for failed alone, by NOT IN, which is a hash
// table looked up and never a join.
//
// Without doubt rows are inserted as if nothing stood in their way: to look first
// is a good part of the work and hardly ever finds anything. Where something does,
// a constraint ends the transaction, and it is done again with doubt.
//
// Plans are made once, when tables may be empty, and must do for tables of any
// size: rows are looked up by a sub-select with OFFSET 0, which is run for each
// commit by index, or by = ANY and a hash join (see Open for what is turned off).
type composition struct {
	with       parts
	parameters int
	tables     []string
	refusing   bool // there is a table refused
	certain    bool // there is no table failed: no commit can
}

// statements are the texts for all combinations, each composed when it is first
// needed.
type statements [combinations]func() string

func variants(write func(q *composition) string) *statements {
	var texts statements
	for with := range combinations {
		texts[with] = sync.OnceValue(func() string { return write(&composition{with: with}) })
	}
	return &texts
}

// has reports whether there is any of these parts.
func (q *composition) has(part parts) bool { return q.with&part != 0 }

func (q *composition) table(name, text string) {
	q.tables = append(q.tables, name+" AS ("+text+")")
}

// parameter names the i-th array of the next input.
func (q *composition) parameter(i int) string { return fmt.Sprintf("$%d", q.parameters+1+i) }

// input makes parallel arrays a table. A column is a name and its type.
func (q *composition) input(name string, columns ...string) {
	var arrays, names []string
	for _, column := range columns {
		name, kind, _ := strings.Cut(column, " ")
		q.parameters++
		names, arrays = append(names, name), append(arrays, fmt.Sprintf("$%d::%s[]", q.parameters, kind))
	}
	q.table(name, "SELECT * FROM unnest("+strings.Join(arrays, ", ")+") AS c("+strings.Join(names, ", ")+")")
}

// commands brings in the commands to store and to look up, and finds those that
// were carried out before. Expired ones are none, whether swept yet or not. Fresh
// ones are not looked for without doubt.
func (q *composition) commands() {
	const found = `, m.principal, m.command_id, m.fingerprint, m.reply FROM `
	const stored = ` CROSS JOIN LATERAL (SELECT * FROM commands m WHERE m.principal = k.principal AND m.command_id = k.command_id
		AND m.expires_at > now() OFFSET 0) m`
	var known []string
	if q.has(withReplies) {
		q.input("replies", "n int", "principal text", "command_id text", "fingerprint bytea", "reply bytea", "expires_at timestamptz", "fresh boolean")
	}
	if q.has(withSearch) {
		own := `SELECT k.n, true AS own` + found + `replies k` + stored
		if !q.has(withDoubt) {
			own += ` WHERE NOT k.fresh`
		}
		known = append(known, own)
	}
	if q.has(withLookups) {
		q.input("lookups", "n int", "principal text", "command_id text")
		known = append(known, `SELECT k.n, false AS own`+found+`lookups k`+stored)
	}
	if len(known) > 0 {
		q.table("known", strings.Join(known, " UNION ALL "))
	}
}

// refuse keeps back the commits that a constraint speaks against. Refused are
// those of them whose fence holds: what an activation that has lost its row asks
// for is no longer judged.
func (q *composition) refuse(table string, against ...string) {
	q.refusing = true
	q.table("against", strings.Join(against, " UNION ALL "))
	q.table("refused", `
		SELECT c.n FROM (SELECT * FROM c WHERE n IN (SELECT n FROM against) OFFSET 0) c `+rowOf(table)+` WHERE `+holds)
}

// rowOf brings in the row p of each commit c, null where there is none, and holds
// is the condition that the fence does: for epoch 0 there must be no row.
func rowOf(table string) string {
	return `LEFT JOIN LATERAL (SELECT id, epoch, version FROM ` + table + ` t WHERE t.id = c.id OFFSET 0) p ON true`
}

const holds = `CASE WHEN c.epoch = 0 THEN p.id IS NULL ELSE ` + held + ` END`

// free is the condition that a commit may be written, fences apart.
func (q *composition) free() string {
	free := "true"
	if q.has(withSearch) {
		free += " AND c.n NOT IN (SELECT n FROM known WHERE own)"
	}
	if q.refusing {
		free += " AND c.n NOT IN (SELECT n FROM against)"
	}
	return free
}

// applied leaves out what belongs to commits that failed, or does not meet these
// conditions.
func (q *composition) applied(conditions ...string) string {
	if !q.certain {
		conditions = append(conditions, `n NOT IN (SELECT n FROM failed)`)
	}
	if len(conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(conditions, " AND ")
}

// record appends to the log and the outbox, and to the mails.
func (q *composition) record() {
	q.post()
	if !q.has(withEvents) {
		return
	}
	q.input("happened", "n int", "id uuid", "stream text", "shard smallint", "seq bigint", "version bigint", "type text", "data text",
		"actor_id text", "occurred_at timestamptz", "trace text", "ip text", "request_id text", "audit text")
	q.table("logged", `
		INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace, ip, request_id, audit)
		SELECT id, stream, seq, version, type, data::json, actor_id, occurred_at, trace, ip, request_id, audit FROM happened`+q.applied()+spare)
	q.table("outgoing", `
		INSERT INTO outbox (event_id, shard, stream, seq, created_at) SELECT id, shard, stream, seq, occurred_at FROM happened`+q.applied(mayBeWanted))
}

// remember stores the commands, in the order of their keys: two nodes that store
// the same ones wait for each other in one order.
func (q *composition) remember() {
	if !q.has(withReplies) {
		return
	}
	insert := `
		INSERT INTO commands (principal, command_id, fingerprint, reply, expires_at)
		SELECT principal, command_id, fingerprint, reply, expires_at FROM replies` + q.applied() + `
		ORDER BY principal, command_id`
	if q.has(withDoubt) {
		insert += ` ON CONFLICT (principal, command_id) DO UPDATE
			SET fingerprint = excluded.fingerprint, reply = excluded.reply, expires_at = excluded.expires_at
			WHERE commands.expires_at <= now() RETURNING 1`
	}
	q.table("stored", insert)
}

// Verdicts on commits, as a statement reports them. Applied ones go unnamed.
const (
	verdictKnown   = 0 // the commit's own command was carried out before
	verdictLookup  = 1 // a command that it asked about was
	verdictRefused = 2
	verdictFailed  = 3
)

// vouched is true once the transaction has something to be replicated. Of a command that
// was carried out before, the first to wait for a synchronous standby may have been told
// to wait no longer; who repeats the answer waits again, and with nothing written the
// commit would not. It asks for what only such a command has, so that nothing is written
// where none is known.
const vouched = `CASE WHEN octet_length(reply) >= 0 THEN (SELECT pg_logical_emit_message(true, 'atelier', '') IS NOT NULL) END`

// text ends the statement. Its rows are the verdicts. Where another node stored
// one of the commands since the statement began, less is stored than was
// applied: then the transaction fails. So it does where raced, a condition, says.
func (q *composition) text(raced ...string) string {
	const empty = `, '', '', ''::bytea, ''::bytea`
	var verdicts []string
	if q.has(withSearch | withLookups) {
		verdicts = append(verdicts, fmt.Sprintf(`SELECT CASE WHEN own THEN %d ELSE %d END, n, principal, command_id, fingerprint, reply FROM known WHERE `+vouched,
			verdictKnown, verdictLookup))
	}
	if q.refusing {
		verdicts = append(verdicts, fmt.Sprintf(`SELECT %d, n%s FROM refused`, verdictRefused, empty))
	}
	if !q.certain {
		verdicts = append(verdicts, fmt.Sprintf(`SELECT %d, n%s FROM failed`, verdictFailed, empty))
	}
	if q.has(withReplies) && q.has(withDoubt) {
		raced = append(raced, `(SELECT count(*) FROM stored) < (SELECT count(*) FROM replies`+q.applied()+`)`)
	}
	if len(raced) > 0 {
		verdicts = append(verdicts, `SELECT atelier_raced(), 0`+empty+` WHERE `+strings.Join(raced, " OR "))
	}
	if len(verdicts) == 0 {
		verdicts = append(verdicts, `SELECT 0, 0`+empty+` WHERE false`)
	}
	return "WITH " + strings.Join(q.tables, ",\n") + "\n" + strings.Join(verdicts, "\nUNION ALL ")
}

// judge reads the verdicts of one statement into the results. The reason is what
// a refusal by it means.
func judge(rows pgx.Rows, results []store.Result, reason *messages.Error) error {
	var verdict, n int
	var reply store.Reply
	_, err := pgx.ForEachRow(rows, []any{&verdict, &n, &reply.Principal, &reply.Command, &reply.Fingerprint, &reply.Body}, func() error {
		switch r := &results[n]; verdict {
		case verdictKnown:
			r.Known, r.Duplicate = append(r.Known, reply), true
		case verdictLookup:
			r.Known = append(r.Known, reply)
		case verdictRefused:
			if !r.Duplicate {
				*r = store.Result{Err: reason, Known: r.Known}
			}
		case verdictFailed:
			if !r.Duplicate && r.Err == nil {
				r.Err = store.ErrFenced
			}
		}
		reply.Fingerprint, reply.Body = nil, nil
		return nil
	})
	return err
}
