package sqlite

import (
	"errors"
	"slices"

	"atelier/actors/account"
	"atelier/actors/store"
	"atelier/messages"
)

const accountColumns = `email, email_typed, name, status, status_before, roles, profile, preferences, suspension, password_hash,
	credential_version, auth_epoch, created_at, updated_at, last_login, version, seq, links, erased`

var (
	accountClaims      = claimsOf("users")
	selectAccount      = stmt(`SELECT ` + accountColumns + `, epoch FROM users WHERE id = ?`)
	selectOpenSessions = stmt(`SELECT id, created_at, expires_at FROM sessions WHERE user_id = ? AND ended_at IS NULL`)
)

// Accounts claims user rows.
func (db *DB) Accounts() store.Claimer[*account.State] {
	return claimer[*account.State]{db, store.Account, accountClaims, loadAccount}
}

// suspension is the stored form of a suspension; {} is none.
type suspension struct {
	Reason string `json:"reason,omitempty"`
	Until  int64  `json:"until,omitempty"`
	By     string `json:"by,omitempty"`
	At     int64  `json:"at,omitempty"`
}

func loadAccount(c *connection, id string) (s *account.State, epoch int64, err error) {
	s = &account.State{ID: messages.UserID(id)}
	err = c.each(selectAccount, []any{id}, func(r *row) error {
		err := r.account(s)
		epoch = r.int()
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	err = c.each(selectOpenSessions, []any{id}, func(r *row) error {
		if s.Sessions == nil {
			s.Sessions = make(map[messages.SessionID]account.OpenSession)
		}
		s.Sessions[messages.SessionID(r.text())] = account.OpenSession{OpenedAt: r.time(), ExpiresAt: r.time()}
		return nil
	})
	return s, epoch, err
}

// account reads the columns of an account.
func (r *row) account(s *account.State) error {
	var held suspension
	s.Email, s.TypedEmail, s.Name = r.text(), r.text(), r.text()
	s.Status, s.StatusBefore = account.Status(r.text()), account.Status(r.text())
	err := errors.Join(r.json(&s.Roles), r.json(&s.Profile))
	s.Preferences = r.text()
	err = errors.Join(err, r.json(&held))
	s.Suspension = account.Suspension{
		Reason: held.Reason, Until: messages.Time(held.Until), By: messages.UserID(held.By), At: messages.Time(held.At),
	}
	s.PasswordHash, s.CredentialVersion, s.AuthEpoch = r.text(), r.int(), r.int()
	s.CreatedAt, s.UpdatedAt, s.LastLogin = r.time(), r.time(), r.time()
	s.Version, s.Seq = r.int(), r.int()
	err = errors.Join(err, r.json(&s.Links))
	s.Erased = r.bool()
	return err
}

var (
	insertUser = stmt(`
		INSERT INTO users (id, version, seq, epoch, node, email, email_typed, name, status, status_before, roles, profile, preferences,
			suspension, password_hash, credential_version, auth_epoch, created_at, updated_at, last_login, links, erased)
		VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	updateUser = stmt(`
		UPDATE users SET email = ?, email_typed = ?, links = ?, erased = ?, name = ?, status = ?, status_before = ?, roles = ?, profile = ?, preferences = ?, suspension = ?, password_hash = ?,
			credential_version = ?, auth_epoch = ?, updated_at = ?, last_login = ?, version = ?, seq = ?
		WHERE id = ? AND ` + held)
	selectOwned   = stmt(`SELECT 1 FROM projects WHERE owner_id = ? LIMIT 1`)
	selectTaken   = stmt(`SELECT 1 FROM users WHERE email = ? AND id <> ?`)
	insertSession = stmt(`
		INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch, ended_at, end_reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	endSession = stmt(`
		UPDATE sessions SET epoch = epoch + 1, node = NULL, end_reason = CASE WHEN ended_at IS NULL THEN ? ELSE end_reason END,
			ended_at = coalesce(ended_at, ?)
		WHERE id = ? AND user_id = ?`)
)

func (c *connection) insertAccount(one *store.Commit, change *account.Change) (verdict, err error) {
	s := change.Row
	inserted, err := c.exec(insertUser, one.ID, s.Version, s.Seq, one.Node, s.Email, s.TypedEmail, s.Name, string(s.Status), string(s.StatusBefore),
		encode(s.Roles), encode(s.Profile), s.Preferences, suspensionOf(s), s.PasswordHash, s.CredentialVersion, s.AuthEpoch,
		stamp(s.CreatedAt), stamp(s.UpdatedAt), stamp(s.LastLogin), encode(s.Links), s.Erased)
	if err != nil {
		return nil, err
	}
	if inserted == 0 {
		return c.refused(one, errEmailTaken)
	}
	return nil, c.changeSessions(one, change)
}

func (c *connection) updateAccount(one *store.Commit, change *account.Change) (verdict, err error) {
	s := change.Row
	if change.Erased {
		owns, err := c.any(selectOwned, one.ID)
		if err != nil {
			return nil, err
		}
		if owns {
			return c.refused(one, errOwnsProjects)
		}
	}
	if change.EmailChanged {
		taken, err := c.any(selectTaken, s.Email, one.ID)
		if err != nil {
			return nil, err
		}
		if taken {
			return c.refused(one, errEmailTaken)
		}
	}
	verdict, err = fenced(c.exec(updateUser, s.Email, s.TypedEmail, encode(s.Links), s.Erased, s.Name, string(s.Status), string(s.StatusBefore), encode(s.Roles), encode(s.Profile), s.Preferences,
		suspensionOf(s), s.PasswordHash, s.CredentialVersion, s.AuthEpoch, stamp(s.UpdatedAt), stamp(s.LastLogin), s.Version, s.Seq,
		one.ID, one.Epoch, one.Version))
	if verdict != nil || err != nil {
		return verdict, err
	}
	return nil, c.changeSessions(one, change)
}

func suspensionOf(s *account.State) string {
	return encode(suspension{
		Reason: s.Suspension.Reason, Until: messages.Micros(s.Suspension.Until), By: string(s.Suspension.By), At: messages.Micros(s.Suspension.At),
	})
}

// changeSessions opens and ends sessions. Ending raises the epoch, which fences
// a live session entity. Of one that was opened in the same flight there is only
// the row to insert.
func (c *connection) changeSessions(one *store.Commit, change *account.Change) error {
	for _, row := range change.Opened {
		var endedAt any
		var reason string
		if i := slices.IndexFunc(change.Ended, func(e account.Ending) bool { return e.ID == row.ID }); i >= 0 {
			endedAt, reason = endOf(one), change.Ended[i].Reason
		}
		_, err := c.exec(insertSession, string(row.ID), one.ID, row.CreatedAt, row.CreatedAt, row.ExpiresAt, row.IP, row.UserAgent,
			encode(row.AMR), row.AuthEpoch, endedAt, reason)
		if err != nil {
			return err
		}
	}
	for _, e := range change.Ended {
		if slices.ContainsFunc(change.Opened, func(row account.SessionRow) bool { return row.ID == e.ID }) {
			continue
		}
		if _, err := c.exec(endSession, e.Reason, endOf(one), string(e.ID), one.ID); err != nil {
			return err
		}
	}
	return nil
}

// endOf is when the sessions of a flight ended: all its events have one time.
func endOf(one *store.Commit) any { return stamp(one.Events[len(one.Events)-1].OccurredAt) }
