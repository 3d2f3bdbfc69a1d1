package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"atelier/actors/account"
	"atelier/actors/store"
)

// Write implements store.Writer. The group is one batch, one round trip and one
// transaction: a statement for each kind of row change in it, which applies what
// may be applied and reports on the rest, so that no commit can fail another.
// Commits that would meet inside of a statement, by their row, their command or
// their e-mail address, are written one group after the other.
func (db *DB) Write(ctx context.Context, group []*store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(group))
	for rest := all(group); len(rest) > 0; {
		first := len(rest) == len(group)
		var next []int
		next, rest = apart(group, rest)
		err := db.writeGroup(ctx, group, next, results)
		if first && err != nil && (len(rest) == 0 || !errors.Is(err, store.ErrSilent)) {
			return nil, err
		}
		if err != nil {
			for _, i := range next {
				results[i].Err = err
			}
			for _, i := range rest {
				results[i].Err = fmt.Errorf("%w: not sent: %w", store.ErrRolledBack, err)
			}
			break
		}
	}
	return results, nil
}

func all(group []*store.Commit) []int {
	indices := make([]int, len(group))
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// apart takes commits that do not meet each other, and leaves the rest.
func apart(group []*store.Commit, indices []int) (taken, rest []int) {
	seen := make(map[any]bool, 2*len(indices))
	taken = make([]int, 0, len(indices))
next:
	for _, i := range indices {
		marks := marksOf(group[i])
		for _, mark := range marks {
			if seen[mark] {
				rest = append(rest, i)
				continue next
			}
		}
		for _, mark := range marks {
			seen[mark] = true
		}
		taken = append(taken, i)
	}
	return taken, rest
}

type (
	rowMark   struct{ kind, id string }
	emailMark string
)

func marksOf(c *store.Commit) []any {
	marks := make([]any, 0, 4)
	marks = append(marks, rowMark{string(c.Kind), c.ID})
	for _, r := range c.Replies {
		marks = append(marks, r.CommandKey)
	}
	if change, ok := c.Change.(*account.Change); ok && (change.Created || change.EmailChanged) {
		marks = append(marks, emailMark(change.Row.Email))
	}
	return marks
}

// writeGroup writes the commits of these indices in one transaction, with doubt
// where that is refused without.
func (db *DB) writeGroup(ctx context.Context, group []*store.Commit, indices []int, results []store.Result) error {
	if len(indices) == 0 {
		return nil
	}
	err := db.attempt(ctx, group, indices, results, 0)
	if violated(err) {
		err = db.attempt(ctx, group, indices, results, withDoubt)
	}
	return err
}

// violated reports whether a constraint ended the transaction.
func violated(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code[:2] == "23"
}

func (db *DB) attempt(ctx context.Context, group []*store.Commit, indices []int, results []store.Result, doubt parts) error {
	h := hear(ctx, db.reads.pulse)
	defer h.end()
	ctx = h
	conn, err := db.writes.Acquire(ctx)
	if err != nil {
		return h.silent(fmt.Errorf("%w: %w", store.ErrUnavailable, err)) // nothing was sent
	}
	defer conn.Release()
	b := &batch{buffers: buffersOf(conn.Conn().PgConn()), doubt: doubt, results: results}
	sort(group, indices).queue(b)
	if err := b.send(ctx, conn.Conn()); err != nil {
		for _, i := range indices {
			results[i] = store.Result{} // verdicts of what was rolled back
		}
		return h.silent(classify(err))
	}
	return nil
}

// classify tells errors after which nothing was written from those that leave
// the outcome open.
func classify(err error) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		if pgconn.SafeToRetry(err) {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return wrap("write", err)
	}
	switch answer.Code {
	case "AT001", "40P01": // raced; deadlock
		return fmt.Errorf("%w: %w", store.ErrRaced, err)
	case "55P03", "57014": // time-outs, for a lock and for the statement
		return fmt.Errorf("%w: %w", store.ErrBlocked, err)
	case "57P03", "25006": // starting up; read-only since another server took over
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	switch answer.Code[:2] {
	case "53": // out of connections, memory, disk
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case "57", "08", "58": // shut down, connection, system: the commit may have come first
		return wrap("write", err)
	}
	return fmt.Errorf("%w: %w", store.ErrRolledBack, err)
}
