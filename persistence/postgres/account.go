package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/actors/store"
	"atelier/messages"
)

const (
	loadAccount = `
		SELECT email, typed_email, name, status, status_before, roles, profile, preferences, suspension, password_hash,
			credential_version, auth_epoch, created_at, updated_at, last_login, version, seq
		FROM users WHERE id = $1`
	loadOpenSessions = `SELECT id, created_at, expires_at FROM sessions WHERE user_id = $1 AND ended_at IS NULL`
)

// Accounts claims user rows.
func (db *DB) Accounts() store.Claimer[*account.State] {
	return claimer[*account.State]{
		db: db, kind: store.Account, table: "users", load: loadAccount, row: readAccount, loadRest: loadOpenSessions, rest: readOpenSessions,
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
	var profile, suspended []byte
	var lastLogin *time.Time
	err := row.Scan(&s.Email, &s.TypedEmail, &s.Name, &s.Status, &s.StatusBefore, &s.Roles, &profile, &s.Preferences, &suspended,
		&s.PasswordHash, &s.CredentialVersion, &s.AuthEpoch, &s.CreatedAt, &s.UpdatedAt, &lastLogin, &s.Version, &s.Seq)
	if err != nil {
		return nil, 0, err
	}
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	if lastLogin != nil {
		s.LastLogin = lastLogin.UTC()
	}
	if err := json.Unmarshal(profile, &s.Profile); err != nil {
		return nil, 0, err
	}
	var held suspension
	if err := json.Unmarshal(suspended, &held); err != nil {
		return nil, 0, err
	}
	s.Suspension = account.Suspension{
		Reason: held.Reason, Until: messages.Time(held.Until), By: messages.UserID(held.By), At: messages.Time(held.At),
	}
	return s, s.Version, nil
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

const (
	insertAccounts = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])
				AS c(n, id, doc, version, seq)),
		done AS (INSERT INTO users (id, email, typed_email, name, status, status_before, roles, profile, preferences, suspension, password_hash,
				credential_version, auth_epoch, created_at, updated_at, last_login, version, seq, epoch, node)
			SELECT c.id, r.email, r.typed_email, r.name, r.status, r.status_before, r.roles, r.profile, r.preferences, r.suspension, r.password_hash,
				r.credential_version, r.auth_epoch, r.created_at, r.updated_at, r.last_login, c.version, c.seq, 1, $6
			FROM c, json_to_record(c.doc::json) AS r(` + accountColumns + `)
			ON CONFLICT DO NOTHING RETURNING id)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE id NOT IN (SELECT id FROM done))) END`
	updateAccounts = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
				AS c(n, id, doc, version, seq, held_epoch, held_version)),
		r AS (SELECT c.n, c.id, c.version, c.seq, c.held_epoch, c.held_version, r.* FROM c, json_to_record(c.doc::json) AS r(` + accountColumns + `)),
		done AS (UPDATE users p SET name = c.name, status = c.status, status_before = c.status_before, roles = c.roles, profile = c.profile,
				preferences = c.preferences, suspension = c.suspension, password_hash = c.password_hash,
				credential_version = c.credential_version, auth_epoch = c.auth_epoch, updated_at = c.updated_at, last_login = c.last_login,
				version = c.version, seq = c.seq
			FROM r AS c WHERE p.id = c.id` + held + ` RETURNING c.n)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE n NOT IN (SELECT n FROM done))) END`
	accountColumns = `email text, typed_email text, name text, status text, status_before text, roles text[], profile jsonb, preferences text,
		suspension jsonb, password_hash text, credential_version bigint, auth_epoch bigint, created_at timestamptz, updated_at timestamptz,
		last_login timestamptz`
	insertSessions = `
		INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch)
		SELECT id, user_id, created_at, created_at, expires_at, ip, user_agent, string_to_array(amr, ' '), auth_epoch
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::bigint[])
			AS c(id, user_id, created_at, expires_at, ip, user_agent, amr, auth_epoch)`
	// Ending raises the epoch, which fences a live session entity.
	endSessions = `
		UPDATE sessions s SET epoch = s.epoch + 1, node = NULL, ended_at = coalesce(s.ended_at, c.ended_at),
			end_reason = CASE WHEN s.ended_at IS NULL THEN c.reason ELSE s.end_reason END
		FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS c(id, ended_at, reason) WHERE s.id = c.id`
)

// accountDoc is a user row on its way to the database.
type accountDoc struct {
	Email             string          `json:"email"`
	TypedEmail        string          `json:"typed_email"`
	Name              string          `json:"name"`
	Status            string          `json:"status"`
	StatusBefore      string          `json:"status_before"`
	Roles             []string        `json:"roles"`
	Profile           account.Profile `json:"profile"`
	Preferences       string          `json:"preferences"`
	Suspension        suspension      `json:"suspension"`
	PasswordHash      string          `json:"password_hash"`
	CredentialVersion int64           `json:"credential_version"`
	AuthEpoch         int64           `json:"auth_epoch"`
	CreatedAt         string          `json:"created_at"`
	UpdatedAt         string          `json:"updated_at"`
	LastLogin         *string         `json:"last_login"`
}

func docOf(s *account.State) string {
	doc := accountDoc{
		Email: s.Email, TypedEmail: s.TypedEmail, Name: s.Name, Status: string(s.Status), StatusBefore: string(s.StatusBefore), Roles: s.Roles,
		Profile: s.Profile, Preferences: s.Preferences, PasswordHash: s.PasswordHash, CredentialVersion: s.CredentialVersion,
		AuthEpoch: s.AuthEpoch, CreatedAt: messages.FormatTime(s.CreatedAt), UpdatedAt: messages.FormatTime(s.UpdatedAt),
		Suspension: suspension{
			Reason: s.Suspension.Reason, Until: messages.Micros(s.Suspension.Until), By: string(s.Suspension.By), At: messages.Micros(s.Suspension.At),
		},
	}
	if !s.LastLogin.IsZero() {
		at := messages.FormatTime(s.LastLogin)
		doc.LastLogin = &at
	}
	b, _ := json.Marshal(doc) // plain fields always marshal
	return string(b)
}

// accountRows collects the accounts of a group, column by column.
type accountRows struct {
	made, changed       rows
	madeDoc, changedDoc []string

	opened, openedUser      []pgtype.UUID
	openedAt, openedExpires []pgtype.Timestamptz
	openedIP, openedAgent   []string
	openedAMR               []string
	openedEpoch             []int64
	ended                   []pgtype.UUID
	endedAt                 []pgtype.Timestamptz
	endedReason             []string
}

func (r *accountRows) add(n int32, c *store.Commit, change *account.Change) {
	key, _ := uuid(c.ID)
	to, docs := &r.changed, &r.changedDoc
	if change.Created {
		to, docs = &r.made, &r.madeDoc
	}
	to.add(n, key, c)
	to.head(change.Row.Version, change.Row.Seq)
	*docs = append(*docs, docOf(change.Row))
	for _, s := range change.Opened {
		id, _ := uuid(string(s.ID))
		r.opened, r.openedUser = append(r.opened, id), append(r.openedUser, key)
		r.openedAt, r.openedExpires = append(r.openedAt, micros(s.CreatedAt)), append(r.openedExpires, micros(s.ExpiresAt))
		r.openedIP, r.openedAgent = append(r.openedIP, s.IP), append(r.openedAgent, s.UserAgent)
		r.openedAMR, r.openedEpoch = append(r.openedAMR, joined(s.AMR)), append(r.openedEpoch, s.AuthEpoch)
	}
	at := c.Events[len(c.Events)-1].OccurredAt
	for _, e := range change.Ended {
		id, _ := uuid(string(e.ID))
		r.ended, r.endedAt, r.endedReason = append(r.ended, id), append(r.endedAt, stamp(at)), append(r.endedReason, e.Reason)
	}
}

func (r *accountRows) queue(b *pgx.Batch, node string) {
	if m := &r.made; len(m.n) > 0 {
		b.Queue(insertAccounts, m.n, m.id, r.madeDoc, m.version, m.seq, node)
	}
	if m := &r.changed; len(m.n) > 0 {
		b.Queue(updateAccounts, m.n, m.id, r.changedDoc, m.version, m.seq, m.heldEpoch, m.heldVersion)
	}
	if len(r.opened) > 0 {
		b.Queue(insertSessions, r.opened, r.openedUser, r.openedAt, r.openedExpires, r.openedIP, r.openedAgent, r.openedAMR, r.openedEpoch)
	}
	if len(r.ended) > 0 {
		b.Queue(endSessions, r.ended, r.endedAt, r.endedReason)
	}
}
