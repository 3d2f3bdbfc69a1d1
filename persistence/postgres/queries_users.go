package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/messages"
)

func parseProfile(b []byte) (*messages.Profile, error) {
	var p account.Profile
	err := json.Unmarshal(b, &p)
	return &messages.Profile{
		DisplayName: p.DisplayName, AvatarUrl: p.AvatarURL, Bio: p.Bio, Location: p.Location, Timezone: p.Timezone, Locale: p.Locale, Website: p.Website,
	}, err
}

// PublicUsers are what everyone may see of these users, by id, and perhaps of
// others too. The map must not be changed.
func (db *DB) PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error) {
	users, err := db.users.get(ctx, ids)
	return users, asked("public users", err)
}

func (db *DB) loadPublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error) {
	keys := make([]pgtype.UUID, 0, len(ids))
	for _, id := range ids {
		if key, ok := uuid(id); ok {
			keys = append(keys, key)
		}
	}
	rows, err := db.reads.Query(ctx, `SELECT id, name, profile FROM users WHERE id = ANY($1) AND NOT erased`, keys)
	if err != nil {
		return nil, err
	}
	users := make(map[string]*messages.PublicUser, len(ids))
	var id pgtype.UUID
	var name string
	var profile []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &profile}, func() error {
		p, err := parseProfile(profile)
		users[text(id)] = &messages.PublicUser{Id: text(id), Name: name, Profile: p}
		return err
	})
	return users, err
}

// FindCredential is what a sign-in needs to know of an address; nil where there
// is none.
func (db *DB) FindCredential(ctx context.Context, email string) (*messages.Credential, error) {
	normal, err := account.NormaliseEmail(email)
	if err != nil {
		return nil, nil //nolint:nilerr // what is no address is the address of nobody
	}
	c := &messages.Credential{}
	var id pgtype.UUID
	err = db.reads.QueryRow(ctx, `SELECT id, email_typed, name, password_hash, credential_version FROM users WHERE email = $1 AND NOT erased`, normal).
		Scan(&id, &c.Email, &c.Name, &c.PasswordHash, &c.CredentialVersion)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	c.UserId = text(id)
	return c, asked("find credential", err)
}

// AnyAdmin reports whether someone can administer the installation.
func (db *DB) AnyAdmin(ctx context.Context) (any bool, err error) {
	err = db.reads.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE 'admin' = ANY(roles))`).Scan(&any)
	return any, asked("any admin", err)
}

// listUsers pages by age. A suspension that ran out has ended.
const listUsers = `
	SELECT id, ` + accountColumns + ` FROM users
	WHERE NOT erased AND ($1 = '' OR $1 = CASE WHEN status = 'suspended' AND (suspension->>'until')::bigint <= $2 THEN status_before ELSE status END)
		AND ($3 = '' OR email = $3) AND ($4 = '' OR name ILIKE $4 OR email_typed ILIKE $4 OR email ILIKE $4)
		AND ($5::uuid IS NULL OR (created_at, id) < ($6, $5))
	ORDER BY created_at DESC, id DESC LIMIT $7`

// EraseEvents overwrites what a deleted user's events tell of him, and what his sessions
// do. Done again it changes nothing.
func (db *DB) EraseEvents(ctx context.Context, user string) error {
	nobody := account.DeletedAddress(messages.UserID(user))
	_, err := db.reads.Exec(ctx, `
		UPDATE events SET data = (CASE type
			WHEN 'user.created' THEN data::jsonb || jsonb_build_object('email', $2::text, 'name', $3::text)
			WHEN 'user.email_changed' THEN data::jsonb || jsonb_build_object('email', $2::text)
			WHEN 'user.updated' THEN data::jsonb - '{name,profile,preferences}'::text[]
			WHEN 'user.suspended' THEN data::jsonb - 'reason'
			ELSE data::jsonb - '{ip,user_agent}'::text[] END)::json
		WHERE stream = $1 AND type IN ('user.created', 'user.email_changed', 'user.updated', 'user.suspended', 'session.opened')`,
		messages.UserStream(user), nobody, account.DeletedName)
	if err != nil {
		return asked("erase events", err)
	}
	_, err = db.reads.Exec(ctx, `
		UPDATE sessions SET ip = '', user_agent = '' WHERE id = ANY (ARRAY(
			SELECT (data->>'session_id')::uuid FROM events WHERE stream = $1 AND type = 'session.opened'))`, messages.UserStream(user))
	return asked("erase sessions", err)
}

// ListUsers pages through all users, newest first.
func (db *DB) ListUsers(ctx context.Context, q *messages.UserQuery) (*messages.UserPage, error) {
	return anywhere(ctx, db, q, usersPage)
}

func usersPage(ctx context.Context, from querier, q *messages.UserQuery) (*messages.UserPage, error) {
	email := q.GetEmail()
	if email != "" {
		normal, err := account.NormaliseEmail(email)
		if err != nil {
			return &messages.UserPage{}, nil //nolint:nilerr // what is no address is the address of nobody
		}
		email = normal
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	rows, err := from.Query(ctx, listUsers, q.GetStatus(), q.GetNow(), email, substring(q.GetText()), after, micros(q.GetAfter().GetAt()), q.GetLimit()+1)
	if err != nil {
		return nil, asked("list users", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.Account, error) {
		s := &account.State{}
		var id pgtype.UUID
		err := scanAccount(row, s, &id)
		s.ID = messages.UserID(text(id))
		return account.ResourceAt(s, messages.Time(q.GetNow())), err
	})
	if err != nil {
		return nil, asked("list users", err)
	}
	page := &messages.UserPage{}
	page.Items, page.Next = messages.Cut(items, int(q.GetLimit()), messages.ByCreation)
	return page, nil
}

// ListSessions pages through a user's open sessions, newest first.
func (db *DB) ListSessions(ctx context.Context, q *messages.SessionQuery) (*messages.SessionPage, error) {
	return anywhere(ctx, db, q, listSessions)
}

func listSessions(ctx context.Context, from querier, q *messages.SessionQuery) (*messages.SessionPage, error) {
	user, ok := uuid(q.GetUserId())
	if !ok {
		return &messages.SessionPage{}, nil
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	rows, err := from.Query(ctx, `
		SELECT id, created_at, last_seen_at, expires_at, ip, user_agent, amr FROM sessions
		WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND auth_epoch >= (SELECT auth_epoch FROM users WHERE id = $1) AND ($3::uuid IS NULL OR (created_at, id) < ($4, $3))
		ORDER BY created_at DESC, id DESC LIMIT $5`, user, micros(q.GetNow()), after, micros(q.GetAfter().GetAt()), q.GetLimit()+1)
	if err != nil {
		return nil, asked("list sessions", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.Session, error) {
		s := &messages.Session{UserId: q.GetUserId()}
		var id pgtype.UUID
		var created, seen, expires time.Time
		err := row.Scan(&id, &created, &seen, &expires, &s.Ip, &s.UserAgent, &s.Amr)
		s.Id, s.CreatedAt, s.LastSeenAt, s.ExpiresAt = text(id), messages.Micros(created), messages.Micros(seen), messages.Micros(expires)
		return s, err
	})
	if err != nil {
		return nil, asked("list sessions", err)
	}
	page := &messages.SessionPage{}
	page.Items, page.Next = messages.Cut(items, int(q.GetLimit()), messages.ByCreation)
	return page, nil
}

// ListEvents pages through a stream of the log.
func (db *DB) ListEvents(ctx context.Context, q *messages.EventQuery) (*messages.EventPage, error) {
	return anywhere(ctx, db, q, listEvents)
}

func listEvents(ctx context.Context, from querier, q *messages.EventQuery) (*messages.EventPage, error) {
	statement, beyond := `SELECT id, seq, version, type, data, actor_id, occurred_at FROM events
		WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3`, q.GetAfterSeq()
	if q.GetNewestFirst() {
		statement, beyond = `SELECT id, seq, version, type, data, actor_id, occurred_at FROM events
			WHERE stream = $1 AND ($2 = 0 OR seq < $2) ORDER BY seq DESC LIMIT $3`, q.GetBeforeSeq()
	}
	rows, err := from.Query(ctx, statement, q.GetStream(), beyond, q.GetLimit()+1)
	if err != nil {
		return nil, asked("list events", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.EventRecord, error) {
		e := &messages.EventRecord{Stream: q.GetStream()}
		var id pgtype.UUID
		var at time.Time
		err := row.Scan(&id, &e.Seq, &e.Version, &e.Type, &e.Data, &e.ActorId, &at)
		e.Id, e.OccurredAt = text(id), messages.Micros(at)
		return e, err
	})
	if err != nil {
		return nil, asked("list events", err)
	}
	page := &messages.EventPage{Items: items, More: len(items) > int(q.GetLimit())}
	if page.More {
		page.Items = items[:q.GetLimit()]
	}
	return page, nil
}
