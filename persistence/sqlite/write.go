package sqlite

import (
	"context"
	"time"

	"atelier/actors/account"
	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// Write implements store.Writer. The group is one transaction and waits for the
// disk once. Its commits are written one after the other, each seeing those
// before it, so that two that meet, by their row, their command or their e-mail
// address, need no further care.
func (db *DB) Write(ctx context.Context, group []*store.Commit) ([]store.Result, error) {
	results := make([]store.Result, len(group))
	err := db.write(ctx, flushed, func(c *connection) (err error) {
		for i, one := range group {
			if results[i], err = c.write(one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap("write", err)
	}
	return results, nil
}

// write writes one commit, or tells why not. Whatever may stand against it is
// found out by the first statement that changes its row, at the latest; an
// error after that is a defect and fails the group.
func (c *connection) write(one *store.Commit) (r store.Result, err error) {
	now := time.Now()
	if r.Known, err = c.recall(one.Lookups, now); err != nil {
		return r, err
	}
	fresh, err := c.remember(one.Replies, now)
	if err != nil {
		return r, err
	}
	if !fresh {
		known, err := c.recallOwn(one.Replies, now)
		r.Known, r.Duplicate = append(known, r.Known...), true
		return r, err
	}
	verdict, err := c.change(one)
	switch {
	case err != nil:
		return r, err
	case verdict != nil:
		r.Err = verdict
		return r, c.forget(one.Replies)
	}
	return r, c.record(one)
}

var (
	errEmailTaken   = messages.Refuse(messages.CodeEmailTaken, "an account with this e-mail address exists already")
	errOwnsProjects = messages.Refuse(messages.CodeOwnsProjects, "the user owns projects: transfer or delete them first")
	errUnknownUser  = messages.Missing("user")
)

// change writes the rows of the commit's entity. The verdict says why they were
// not written: store.ErrFenced or the refusal of a constraint.
func (c *connection) change(one *store.Commit) (verdict, err error) {
	switch change := one.Change.(type) {
	case *account.Change:
		if change.Created {
			return c.insertAccount(one, change)
		}
		return c.updateAccount(one, change)
	case *session.Change:
		return c.updateSession(one, change.Row)
	case *document.Change:
		return c.updateDocument(one, change)
	case *project.Change:
		switch {
		case change.Created && change.Deleted: // within one flight: only the log remembers
			return c.check(one)
		case change.Created:
			return c.insertProject(one, change)
		case change.Deleted:
			return fenced(c.exec(deleteProject, one.ID, one.Epoch, one.Version))
		}
		return c.updateProject(one, change)
	}
	return c.check(one)
}

// fenced is the verdict on a statement that must change one row.
func fenced(changed int, err error) (verdict, _ error) {
	if err == nil && changed == 0 {
		return store.ErrFenced, nil
	}
	return nil, err
}

// refused is the verdict on a commit that a constraint speaks against, if its
// fence holds: what an activation that has lost its row asks for is no longer
// judged.
func (c *connection) refused(one *store.Commit, reason *messages.Error) (verdict, err error) {
	if verdict, err = c.check(one); verdict != nil || err != nil {
		return verdict, err
	}
	return reason, nil
}

var checks = map[store.Kind]*statement{
	store.Account:  stmt(check + `users WHERE id = ?`),
	store.Session:  stmt(check + `sessions WHERE id = ?`),
	store.Project:  stmt(check + `projects WHERE id = ?`),
	store.Document: stmt(check + `document_logs WHERE id = ?`),
}

const check = `SELECT epoch, version FROM `

// check writes no row: the fence must hold, or, for epoch 0, there must be no
// row.
func (c *connection) check(one *store.Commit) (verdict, err error) {
	s, ok := checks[one.Kind]
	if !ok {
		panic("sqlite: no table for " + string(one.Kind))
	}
	var epoch, version int64
	err = c.each(s, []any{one.ID}, func(r *row) error {
		epoch, version = r.int(), r.int()
		return nil
	})
	if err == nil && (epoch != one.Epoch || epoch != 0 && version != one.Version) {
		verdict = store.ErrFenced
	}
	return verdict, err
}
