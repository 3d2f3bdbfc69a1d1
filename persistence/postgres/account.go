package postgres

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/actors/store"
	"atelier/messages"
)

const (
	accountColumns = `email, email_typed, name, status, status_before, roles, profile, preferences, suspension, password_hash,
		credential_version, auth_epoch, created_at, updated_at, last_login, version, seq, links, erased`
	loadAccount      = `SELECT ` + accountColumns + ` FROM users WHERE id = $1`
	loadOpenSessions = `SELECT id, created_at, expires_at FROM sessions WHERE user_id = $1 AND ended_at IS NULL`
)

// Accounts claims user rows.
func (db *DB) Accounts() store.Claimer[*account.State] {
	return claimer[*account.State]{
		db: db, kind: store.Account, table: "users", load: loadAccount, row: readAccount,
		loads: []rest[*account.State]{{loadOpenSessions, readOpenSessions}},
	}
}

// suspension is the stored form of a suspension; {} is none.
type suspension struct {
	Reason string `json:"reason,omitempty"`
	Until  int64  `json:"until,omitempty"`
	By     string `json:"by,omitempty"`
	At     int64  `json:"at,omitempty"`
}

func readAccount(row pgx.Row, id string) (*account.State, int64, error) {
	s := &account.State{ID: messages.UserID(id)}
	err := scanAccount(row, s)
	return s, s.Version, err
}

// scanAccount reads the columns of an account, behind those that go to first.
func scanAccount(row pgx.Row, s *account.State, first ...any) error {
	var profile, suspended, links []byte
	var lastLogin *time.Time
	err := row.Scan(append(first, &s.Email, &s.TypedEmail, &s.Name, &s.Status, &s.StatusBefore, &s.Roles, &profile, &s.Preferences, &suspended,
		&s.PasswordHash, &s.CredentialVersion, &s.AuthEpoch, &s.CreatedAt, &s.UpdatedAt, &lastLogin, &s.Version, &s.Seq, &links, &s.Erased)...)
	if err != nil {
		return err
	}
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	if lastLogin != nil {
		s.LastLogin = lastLogin.UTC()
	}
	if err := errors.Join(json.Unmarshal(profile, &s.Profile), json.Unmarshal(links, &s.Links)); err != nil {
		return err
	}
	var held suspension
	if err := json.Unmarshal(suspended, &held); err != nil {
		return err
	}
	s.Suspension = account.Suspension{
		Reason: held.Reason, Until: messages.Time(held.Until), By: messages.UserID(held.By), At: messages.Time(held.At),
	}
	return nil
}

func readOpenSessions(rows pgx.Rows) (func(*account.State), error) {
	var open map[messages.SessionID]account.OpenSession
	var id pgtype.UUID
	var opened, expires time.Time
	_, err := pgx.ForEachRow(rows, []any{&id, &opened, &expires}, func() error {
		if open == nil {
			open = make(map[messages.SessionID]account.OpenSession)
		}
		open[messages.SessionID(text(id))] = account.OpenSession{OpenedAt: opened.UTC(), ExpiresAt: expires.UTC()}
		return nil
	})
	return func(s *account.State) { s.Sessions = open }, err
}

var (
	accountInput = append(fence, "next bigint", "seq bigint", "node text", "email text", "email_typed text", "name text", "status text",
		"status_before text", "roles text", "profile text", "preferences text", "suspension text", "password_hash text",
		"credential_version bigint", "auth_epoch bigint", "created_at timestamptz", "updated_at timestamptz", "last_login timestamptz", "links text", "erased boolean")

	insertAccounts = variants(func(q *composition) string {
		q.input("c", accountInput...)
		q.commands()
		q.refuse("users", `SELECT c.n FROM c WHERE EXISTS (SELECT 1 FROM users u WHERE u.email = c.email AND u.id <> c.id OFFSET 0)`)
		q.table("done", `
			INSERT INTO users (id, version, seq, epoch, node, email, email_typed, name, status, status_before, roles, profile, preferences,
				suspension, password_hash, credential_version, auth_epoch, created_at, updated_at, last_login, links, erased)
			SELECT id, next, seq, 1, node, email, email_typed, name, status, status_before, string_to_array(roles, ' '), profile::jsonb, preferences,
				suspension::jsonb, password_hash, credential_version, auth_epoch, created_at, updated_at, last_login, links, erased
			FROM c WHERE id IS NOT NULL AND `+q.free()+` ON CONFLICT DO NOTHING RETURNING id`)
		q.failedRows()
		q.writeSessions()
		q.record()
		q.remember()
		// Nothing visible stands in the way and yet it does: an address that was
		// taken since the statement began.
		return q.text(`EXISTS (SELECT 1 FROM c WHERE n IN (SELECT n FROM failed) AND ` + q.free() + ` AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.id OFFSET 0))`)
	})
	updateAccounts = variants(updateAccount(func(q *composition) {
		if q.has(withDoubt) { // another has the address: rare, since it changes rarely
			q.refuse("users", `SELECT c.n FROM c WHERE EXISTS (SELECT 1 FROM users u WHERE u.email = c.email AND u.id <> c.id OFFSET 0)`)
		}
	}))
	eraseAccounts = variants(updateAccount(func(q *composition) {
		q.refuse("users", `SELECT c.n FROM c WHERE EXISTS (SELECT 1 FROM projects o WHERE o.owner_id = c.id OFFSET 0)`)
	}))
)

// updateAccount writes rows that are there, unless something is refused.
func updateAccount(refuse func(q *composition)) func(q *composition) string {
	return func(q *composition) string {
		q.input("c", accountInput...)
		q.commands()
		refuse(q)
		q.table("done", `
			UPDATE users p SET email = c.email, email_typed = c.email_typed, links = c.links, erased = c.erased, name = c.name, status = c.status, status_before = c.status_before, roles = string_to_array(c.roles, ' '),
				profile = c.profile::jsonb, preferences = c.preferences, suspension = c.suspension::jsonb, password_hash = c.password_hash,
				credential_version = c.credential_version, auth_epoch = c.auth_epoch, updated_at = c.updated_at, last_login = c.last_login,
				version = c.next, seq = c.seq
			FROM c WHERE `+byID+` AND `+held+` AND `+q.free()+` RETURNING c.id`)
		q.failedRows()
		q.writeSessions()
		q.record()
		q.remember()
		return q.text()
	}
}

// writeSessions opens and ends sessions. Ending raises the epoch, which fences a
// live session entity. Of one that was opened in the same flight there is only
// the row to insert.
func (q *composition) writeSessions() {
	if q.has(withPut) {
		q.input("opening", "n int", "id uuid", "user_id uuid", "created_at timestamptz", "expires_at timestamptz", "ip text", "user_agent text",
			"amr text", "auth_epoch bigint", "ended_at timestamptz", "end_reason text")
		q.table("opened", `
			INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch, ended_at, end_reason)
			SELECT id, user_id, created_at, created_at, expires_at, ip, user_agent, string_to_array(amr, ' '), auth_epoch, ended_at, end_reason
			FROM opening`+q.applied())
	}
	if q.has(withOut) {
		ids := q.parameter(1)
		q.input("ending", "n int", "id uuid", "user_id uuid", "ended_at timestamptz", "reason text")
		q.table("ended", `
			UPDATE sessions p SET epoch = p.epoch + 1, node = NULL, ended_at = coalesce(p.ended_at, c.ended_at),
				end_reason = CASE WHEN p.ended_at IS NULL THEN c.reason ELSE p.end_reason END
			FROM ending c WHERE p.id = ANY (`+ids+`::uuid[]) AND p.id = c.id AND p.user_id = c.user_id AND c.n NOT IN (SELECT n FROM failed)`)
	}
}

const lockSessions = `SELECT FROM sessions WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE`

// lockSessions locks the sessions that the group's accounts end, and with them
// those that it writes for their own sake: taken by two statements, they would be
// taken in two orders, and two writers could wait for each other.
func (b *batch) lockSessions(s *sorted) {
	var ids []pgtype.UUID
	for _, f := range slices.Concat(s.accounts, s.goneAccounts) {
		for _, e := range f.commit.Change.(*account.Change).Ended {
			ids = append(ids, key(string(e.ID)))
		}
	}
	if len(ids) == 0 {
		return
	}
	for _, f := range s.sessions {
		ids = append(ids, f.id)
	}
	a := &arguments{buffers: b.buffers}
	a.add(0, uuids(ids, func(id pgtype.UUID) pgtype.UUID { return id }))
	b.statements = append(b.statements, statement{lockSessions, a.ends, func(rows pgx.Rows) error { rows.Close(); return rows.Err() }})
}

func accountOf(f flight) *account.State { return f.commit.Change.(*account.Change).Row }

func accountArgs(a *arguments, flights []flight) {
	a.fences(flights)
	a.add(0,
		int8s(flights, func(f flight) int64 { return accountOf(f).Version }),
		int8s(flights, func(f flight) int64 { return accountOf(f).Seq }),
		texts(flights, func(f flight) string { return f.commit.Node }),
		texts(flights, func(f flight) string { return accountOf(f).Email }),
		texts(flights, func(f flight) string { return accountOf(f).TypedEmail }),
		texts(flights, func(f flight) string { return accountOf(f).Name }),
		texts(flights, func(f flight) string { return string(accountOf(f).Status) }),
		texts(flights, func(f flight) string { return string(accountOf(f).StatusBefore) }),
		texts(flights, func(f flight) string { return strings.Join(accountOf(f).Roles, " ") }),
		texts(flights, func(f flight) string { return encode(accountOf(f).Profile) }),
		texts(flights, func(f flight) string { return accountOf(f).Preferences }),
		texts(flights, func(f flight) string { return encode(suspensionOf(accountOf(f))) }),
		texts(flights, func(f flight) string { return accountOf(f).PasswordHash }),
		int8s(flights, func(f flight) int64 { return accountOf(f).CredentialVersion }),
		int8s(flights, func(f flight) int64 { return accountOf(f).AuthEpoch }),
		times(flights, func(f flight) pgtype.Timestamptz { return stamp(accountOf(f).CreatedAt) }),
		times(flights, func(f flight) pgtype.Timestamptz { return stamp(accountOf(f).UpdatedAt) }),
		times(flights, func(f flight) pgtype.Timestamptz { return stamp(accountOf(f).LastLogin) }),
		texts(flights, func(f flight) string { return encode(accountOf(f).Links) }),
		bools(flights, func(f flight) bool { return accountOf(f).Erased }))
	a.commands(flights)
	a.sessions(flights)
	a.events(flights)
}

func suspensionOf(s *account.State) suspension {
	return suspension{
		Reason: s.Suspension.Reason, Until: messages.Micros(s.Suspension.Until), By: string(s.Suspension.By), At: messages.Micros(s.Suspension.At),
	}
}

type (
	opening struct {
		flight
		account.SessionRow
		endedAt pgtype.Timestamptz
		reason  string
	}
	ending struct {
		flight
		account.Ending
		at pgtype.Timestamptz
	}
)

// sessions are the inputs of composition.writeSessions.
func (a *arguments) sessions(flights []flight) {
	var openings []opening
	var endings []ending
	for _, f := range flights {
		change := f.commit.Change.(*account.Change)
		first := len(openings)
		for _, row := range change.Opened {
			openings = append(openings, opening{flight: f, SessionRow: row})
		}
		for _, e := range change.Ended {
			at := stamp(f.commit.Events[len(f.commit.Events)-1].OccurredAt)
			i := slices.IndexFunc(openings[first:], func(o opening) bool { return o.SessionRow.ID == e.ID })
			if i < 0 {
				endings = append(endings, ending{f, e, at})
				continue
			}
			openings[first+i].endedAt, openings[first+i].reason = at, e.Reason
		}
	}
	if len(openings) > 0 {
		a.add(withPut,
			int4s(openings, func(o opening) int32 { return o.n }),
			uuids(openings, func(o opening) pgtype.UUID { return key(string(o.SessionRow.ID)) }),
			uuids(openings, func(o opening) pgtype.UUID { return o.flight.id }),
			times(openings, func(o opening) pgtype.Timestamptz { return micros(o.CreatedAt) }),
			times(openings, func(o opening) pgtype.Timestamptz { return micros(o.ExpiresAt) }),
			texts(openings, func(o opening) string { return o.IP }),
			texts(openings, func(o opening) string { return o.UserAgent }),
			texts(openings, func(o opening) string { return strings.Join(o.AMR, " ") }),
			int8s(openings, func(o opening) int64 { return o.AuthEpoch }),
			times(openings, func(o opening) pgtype.Timestamptz { return o.endedAt }),
			texts(openings, func(o opening) string { return o.reason }))
	}
	if len(endings) > 0 {
		slices.SortFunc(endings, func(a, b ending) int { return strings.Compare(string(a.ID), string(b.ID)) })
		a.add(withOut,
			int4s(endings, func(e ending) int32 { return e.n }),
			uuids(endings, func(e ending) pgtype.UUID { return key(string(e.ID)) }),
			uuids(endings, func(e ending) pgtype.UUID { return e.flight.id }),
			times(endings, func(e ending) pgtype.Timestamptz { return e.at }),
			texts(endings, func(e ending) string { return e.Reason }))
	}
}
