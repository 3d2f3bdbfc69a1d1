package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// judge writes one commit that failed its group, or says why it cannot be: its
// command was carried out before, a constraint refuses it, or its fence is lost.
func (db *DB) judge(ctx context.Context, c *store.Commit) (store.Result, error) {
	result, err := db.expected(ctx, c)
	if err != nil || result.Err != nil || result.Duplicate {
		return result, err
	}
	results := make([]store.Result, 1)
	blamed, err := db.writeGroup(ctx, []*store.Commit{c}, []int{0}, results)
	if err != nil {
		return store.Result{}, err
	}
	if len(blamed) == 0 {
		return results[0], nil
	}
	// Blamed again: the fence is lost, or the reason came up only now.
	if result, err = db.expected(ctx, c); err != nil || result.Err != nil || result.Duplicate {
		return result, err
	}
	return store.Result{Err: store.ErrFenced}, nil
}

// expected looks for the reasons that can be expected.
func (db *DB) expected(ctx context.Context, c *store.Commit) (store.Result, error) {
	known, err := db.known(ctx, c)
	if err != nil || len(known) > 0 {
		return store.Result{Known: known, Duplicate: len(known) > 0}, err
	}
	switch change := c.Change.(type) {
	case *project.Change:
		return db.unknownUser(ctx, change)
	case *account.Change:
		if change.Created {
			return db.takenEmail(ctx, c.ID, change)
		}
	}
	return store.Result{}, nil
}

func (db *DB) known(ctx context.Context, c *store.Commit) ([]store.Reply, error) {
	var r commandRows
	asked := &store.Commit{}
	for _, reply := range c.Replies {
		asked.Lookups = append(asked.Lookups, reply.CommandKey)
	}
	r.add(0, asked)
	if len(r.n) == 0 {
		return nil, nil
	}
	rows, err := db.writes.Query(ctx, findCommands, r.n, r.who, r.id)
	if err != nil {
		return nil, classify(err)
	}
	var found []foundReply
	if err := readFound(rows, &found); err != nil {
		return nil, classify(err)
	}
	known := make([]store.Reply, 0, len(found))
	for _, f := range found {
		known = append(known, f.reply)
	}
	return known, nil
}

func (db *DB) unknownUser(ctx context.Context, change *project.Change) (store.Result, error) {
	var missing int
	users := make([]pgtype.UUID, 0, len(change.Put))
	for _, m := range change.Put {
		id, ok := uuid(string(m.User))
		if !ok {
			return store.Refused(messages.Missing("user")), nil
		}
		users = append(users, id)
	}
	err := db.writes.QueryRow(ctx, `SELECT count(*) FROM unnest($1::uuid[]) c(id) WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.id)`, users).Scan(&missing)
	if err != nil {
		return store.Result{}, classify(err)
	}
	if missing > 0 {
		return store.Refused(messages.Missing("user")), nil
	}
	return store.Result{}, nil
}

func (db *DB) takenEmail(ctx context.Context, id string, change *account.Change) (store.Result, error) {
	key, _ := uuid(id)
	var taken bool
	err := db.writes.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE email = $1 AND id <> $2)`, change.Row.Email, key).Scan(&taken)
	if err != nil {
		return store.Result{}, classify(err)
	}
	if taken {
		return store.Refused(messages.Refuse(messages.CodeEmailTaken, "an account with this e-mail address exists already")), nil
	}
	return store.Result{}, nil
}
