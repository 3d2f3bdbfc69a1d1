package sqlite

import (
	"context"
	"math"

	"atelier/actors/account"
	"atelier/messages"
)

func (r *row) profile() (*messages.Profile, error) {
	var p account.Profile
	err := r.json(&p)
	return &messages.Profile{
		DisplayName: p.DisplayName, AvatarUrl: p.AvatarURL, Bio: p.Bio, Location: p.Location, Timezone: p.Timezone, Locale: p.Locale, Website: p.Website,
	}, err
}

var selectPublicUsers = stmt(`SELECT id, name, profile FROM users WHERE id IN (SELECT value FROM json_each(?)) AND NOT erased`)

// PublicUsers are what everyone may see of these users, by id.
func (db *DB) PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error) {
	users := make(map[string]*messages.PublicUser, len(ids))
	err := db.read(ctx, "public users", selectPublicUsers, []any{encode(ids)}, func(r *row) (err error) {
		u := &messages.PublicUser{Id: r.text(), Name: r.text()}
		u.Profile, err = r.profile()
		users[u.Id] = u
		return err
	})
	return users, err
}

var (
	selectCredential = stmt(`SELECT id, email_typed, name, password_hash, credential_version FROM users WHERE email = ? AND NOT erased`)
	selectAnyAdmin   = stmt(`SELECT EXISTS (SELECT 1 FROM users WHERE instr(roles, '"admin"') > 0)`)
)

// FindCredential is what a sign-in needs to know of an address; nil where there
// is none.
func (db *DB) FindCredential(ctx context.Context, email string) (found *messages.Credential, err error) {
	normal, err := account.NormaliseEmail(email)
	if err != nil {
		return nil, nil //nolint:nilerr // what is no address is the address of nobody
	}
	err = db.read(ctx, "find credential", selectCredential, []any{normal}, func(r *row) error {
		found = &messages.Credential{UserId: r.text(), Email: r.text(), Name: r.text(), PasswordHash: r.text(), CredentialVersion: r.int()}
		return nil
	})
	return found, err
}

// AnyAdmin reports whether someone can administer the installation.
func (db *DB) AnyAdmin(ctx context.Context) (any bool, err error) {
	err = db.read(ctx, "any admin", selectAnyAdmin, nil, func(r *row) error { any = r.bool(); return nil })
	return any, err
}

// A suspension that ran out has ended.
var (
	selectUsers = `
		SELECT id, ` + accountColumns + ` FROM users
		WHERE NOT erased AND (?1 = '' OR ?1 = CASE WHEN status = 'suspended' AND json_extract(suspension, '$.until') <= ?2 THEN status_before ELSE status END)
			AND (?3 = '' OR email = ?3) AND (?4 = '' OR fold(name) LIKE ?4 ESCAPE '\' OR fold(email_typed) LIKE ?4 ESCAPE '\' OR fold(email) LIKE ?4 ESCAPE '\')`
	firstUsers = stmt(selectUsers + ` ORDER BY created_at DESC, id DESC LIMIT ?5`)
	nextUsers  = stmt(selectUsers + ` AND (created_at, id) < (?6, ?7) ORDER BY created_at DESC, id DESC LIMIT ?5`)
)

var eraseEvents = stmt(`
	UPDATE events SET data = CASE type
		WHEN 'user.created' THEN json_set(data, '$.email', ?2, '$.name', ?3)
		WHEN 'user.email_changed' THEN json_set(data, '$.email', ?2)
		WHEN 'user.updated' THEN json_remove(data, '$.name', '$.profile', '$.preferences')
		WHEN 'user.suspended' THEN json_remove(data, '$.reason')
		ELSE json_remove(data, '$.ip', '$.user_agent') END
	WHERE stream = ?1 AND type IN ('user.created', 'user.email_changed', 'user.updated', 'user.suspended', 'session.opened')`)

var eraseSessions = stmt(`UPDATE sessions SET ip = '', user_agent = '' WHERE id IN (
	SELECT json_extract(data, '$.session_id') FROM events WHERE stream = ?1 AND type = 'session.opened')`)

// EraseEvents overwrites what a deleted user's events tell of him, and what his sessions
// do. Done again it changes nothing.
func (db *DB) EraseEvents(ctx context.Context, user string) error {
	return wrap("erase events", db.write(ctx, flushed, func(c *connection) error {
		stream := messages.UserStream(user)
		if _, err := c.exec(eraseEvents, stream, account.DeletedAddress(messages.UserID(user)), account.DeletedName); err != nil {
			return err
		}
		_, err := c.exec(eraseSessions, stream)
		return err
	}))
}

// ListUsers pages through all users, newest first.
func (db *DB) ListUsers(ctx context.Context, q *messages.UserQuery) (*messages.UserPage, error) {
	email := q.GetEmail()
	if email != "" {
		normal, err := account.NormaliseEmail(email)
		if err != nil {
			return &messages.UserPage{}, nil //nolint:nilerr // what is no address is the address of nobody
		}
		email = normal
	}
	statement, args := firstUsers, []any{q.GetStatus(), q.GetNow(), email, substring(q.GetText()), int64(q.GetLimit()) + 1}
	if after := q.GetAfter(); after != nil {
		statement, args = nextUsers, append(args, after.GetAt(), after.GetId())
	}
	page := &messages.UserPage{}
	err := db.read(ctx, "list users", statement, args, func(r *row) error {
		s := &account.State{ID: messages.UserID(r.text())}
		err := r.account(s)
		page.Items = append(page.Items, account.ResourceAt(s, messages.Time(q.GetNow())))
		return err
	})
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, err
}

var (
	selectSessions = `
		SELECT id, created_at, last_seen_at, expires_at, ip, user_agent, amr FROM sessions
		WHERE user_id = ?1 AND ended_at IS NULL AND expires_at > ?2 AND auth_epoch >= (SELECT auth_epoch FROM users WHERE id = ?1)`
	firstSessions = stmt(selectSessions + ` ORDER BY created_at DESC, id DESC LIMIT ?3`)
	nextSessions  = stmt(selectSessions + ` AND (created_at, id) < (?4, ?5) ORDER BY created_at DESC, id DESC LIMIT ?3`)
)

// ListSessions pages through a user's open sessions, newest first.
func (db *DB) ListSessions(ctx context.Context, q *messages.SessionQuery) (*messages.SessionPage, error) {
	statement, args := firstSessions, []any{q.GetUserId(), q.GetNow(), int64(q.GetLimit()) + 1}
	if after := q.GetAfter(); after != nil {
		statement, args = nextSessions, append(args, after.GetAt(), after.GetId())
	}
	page := &messages.SessionPage{}
	err := db.read(ctx, "list sessions", statement, args, func(r *row) error {
		s := &messages.Session{
			UserId: q.GetUserId(), Id: r.text(), CreatedAt: r.int(), LastSeenAt: r.int(), ExpiresAt: r.int(), Ip: r.text(), UserAgent: r.text(),
		}
		page.Items = append(page.Items, s)
		return r.json(&s.Amr)
	})
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, err
}

const selectEvents = `SELECT id, seq, version, type, data, actor_id, occurred_at FROM events WHERE stream = ?1`

var (
	oldestEvents = stmt(selectEvents + ` AND seq > ?2 ORDER BY seq LIMIT ?3`)
	newestEvents = stmt(selectEvents + ` AND seq < ?2 ORDER BY seq DESC LIMIT ?3`)
)

// ListEvents pages through a stream of the log.
func (db *DB) ListEvents(ctx context.Context, q *messages.EventQuery) (*messages.EventPage, error) {
	statement, from := oldestEvents, q.GetAfterSeq()
	if q.GetNewestFirst() {
		if statement, from = newestEvents, q.GetBeforeSeq(); from == 0 {
			from = math.MaxInt64
		}
	}
	page := &messages.EventPage{}
	err := db.read(ctx, "list events", statement, []any{q.GetStream(), from, int64(q.GetLimit()) + 1}, func(r *row) error {
		page.Items = append(page.Items, &messages.EventRecord{
			Stream: q.GetStream(), Id: r.text(), Seq: r.int(), Version: r.int(), Type: r.text(), Data: []byte(r.text()), ActorId: r.text(), OccurredAt: r.int(),
		})
		return nil
	})
	if page.More = len(page.Items) > int(q.GetLimit()); page.More {
		page.Items = page.Items[:q.GetLimit()]
	}
	return page, err
}
