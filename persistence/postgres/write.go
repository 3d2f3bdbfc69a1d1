package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// refusedState is the SQLSTATE of atelier_refuse.
const refusedState = "AT001"

// Write implements store.Writer. The group goes out as one batch, one round trip
// and one transaction: a statement for each table, over all commits. Each
// statement counts what it did; one that did less than asked fails the
// transaction and names the commits to blame. These are then judged one by one,
// and the others are written without them.
func (db *DB) Write(ctx context.Context, group []*store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(group))
	rest := make([]int, len(group))
	for i := range group {
		rest[i] = i
	}
	for len(rest) > 0 {
		blamed, err := db.writeGroup(ctx, group, rest, results)
		if err != nil {
			return nil, err
		}
		if len(blamed) == 0 {
			return results, nil
		}
		for _, i := range blamed {
			if results[i], err = db.judge(ctx, group[i]); err != nil {
				return nil, err
			}
		}
		rest = without(rest, blamed)
	}
	return results, nil
}

func without(all, taken []int) []int {
	left := all[:0]
next:
	for _, i := range all {
		for _, t := range taken {
			if i == t {
				continue next
			}
		}
		left = append(left, i)
	}
	return left
}

// writeGroup writes the commits of these indices, all or none, and says whom to
// blame for none.
func (db *DB) writeGroup(ctx context.Context, group []*store.Commit, indices []int, results []store.Result) (blamed []int, err error) {
	b := &pgx.Batch{}
	var found []foundReply
	collect(group, indices).queue(b, &found)
	err = db.writes.SendBatch(ctx, b).Close()
	if blamed = blame(err, indices); len(blamed) > 0 {
		return blamed, nil
	}
	if err != nil {
		return nil, classify(err)
	}
	for _, f := range found {
		results[f.n].Known = append(results[f.n].Known, f.reply)
	}
	return nil, nil
}

// blame reads the commits that atelier_refuse named. Two that carry the same
// command are not told apart: their group is rolled back and written singly.
func blame(err error, indices []int) []int {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != refusedState {
		return nil
	}
	if refused.Detail == "" && len(indices) == 1 {
		return indices
	}
	var blamed []int
	for n := range strings.SplitSeq(refused.Detail, ",") {
		if i, err := strconv.Atoi(n); err == nil {
			blamed = append(blamed, i)
		}
	}
	return blamed
}

// classify tells errors after which nothing was written from those that leave
// the outcome open.
func classify(err error) error {
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &answer):
		switch answer.Code[:2] {
		case "57", "08", "58": // shut down, connection, system: the commit may have come first
			if answer.Code == "57P03" || answer.Code == "57014" { // starting up; cancelled
				return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
			}
			return wrap("write", err)
		case "53": // out of connections, memory, disk
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return fmt.Errorf("%w: %w", store.ErrRolledBack, err)
	case pgconn.SafeToRetry(err), isConnect(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return wrap("write", err)
}

func isConnect(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// collected is a group, table by table.
type collected struct {
	node     string
	projects projectRows
	accounts accountRows
	sessions sessionRows
	checks   map[store.Kind]*rows
	events   eventRows
	commands commandRows
}

func collect(group []*store.Commit, indices []int) *collected {
	g := &collected{checks: make(map[store.Kind]*rows)}
	for _, i := range indices {
		c, n := group[i], int32(i)
		g.node = c.Node
		switch change := c.Change.(type) {
		case *project.Change:
			g.projects.add(n, c, change)
		case *account.Change:
			g.accounts.add(n, c, change)
		case *session.Change:
			g.sessions.add(n, c, change)
		default:
			g.check(n, c)
		}
		g.events.add(c)
		g.commands.add(n, c)
	}
	return g
}

// check notes a commit without changes: its fence must hold. A row that must
// not exist is vouched for by the claim that did not find it.
func (g *collected) check(n int32, c *store.Commit) {
	if c.Epoch == 0 {
		return
	}
	if g.checks[c.Kind] == nil {
		g.checks[c.Kind] = &rows{}
	}
	key, _ := uuid(c.ID)
	g.checks[c.Kind].add(n, key, c)
}

func (g *collected) queue(b *pgx.Batch, found *[]foundReply) {
	g.accounts.queue(b, g.node)
	g.sessions.queue(b)
	g.projects.queue(b, g.node)
	for kind, r := range g.checks {
		b.Queue(checkSQL(kind), r.n, r.id, r.heldEpoch, r.heldVersion)
	}
	g.events.queue(b)
	g.commands.queue(b, found)
}

// rows is what every entity's row has.
type rows struct {
	n                      []int32
	id                     []pgtype.UUID
	version, seq           []int64
	heldEpoch, heldVersion []int64
}

func (r *rows) add(n int32, id pgtype.UUID, c *store.Commit) {
	r.n, r.id = append(r.n, n), append(r.id, id)
	r.heldEpoch, r.heldVersion = append(r.heldEpoch, c.Epoch), append(r.heldVersion, c.Version)
}

func (r *rows) head(version, seq int64) {
	r.version, r.seq = append(r.version, version), append(r.seq, seq)
}

// checkSQL asks whether fences hold.
func checkSQL(kind store.Kind) string {
	return `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bigint[]) AS c(n, id, held_epoch, held_version)),
		done AS (SELECT c.n FROM c JOIN ` + table(kind) + ` p ON p.id = c.id` + held + `)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE n NOT IN (SELECT n FROM done))) END`
}

func table(kind store.Kind) string {
	switch kind {
	case store.Account:
		return "users"
	case store.Session:
		return "sessions"
	case store.Project:
		return "projects"
	default:
		panic("postgres: no table for " + string(kind))
	}
}

func micros(us int64) pgtype.Timestamptz { return stamp(messages.Time(us)) }

// stamp is null for the zero time.
func stamp(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }
