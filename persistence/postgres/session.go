package postgres

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

const loadSession = `
	SELECT user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch, generation, rotations, ended_at, end_reason, version
	FROM sessions WHERE id = $1`

// Sessions claims session rows, ended ones too.
func (db *DB) Sessions() store.Claimer[*session.State] {
	return claimer[*session.State]{db: db, kind: store.Session, table: "sessions", load: loadSession, row: readSession}
}

func readSession(row pgx.Row, id string) (*session.State, int64, error) {
	s := &session.State{ID: messages.SessionID(id)}
	var user pgtype.UUID
	var rotations []byte
	var ended *time.Time
	err := row.Scan(&user, &s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt, &s.IP, &s.UserAgent, &s.AMR, &s.AuthEpoch, &s.Generation,
		&rotations, &ended, &s.EndReason, &s.Version)
	if err != nil {
		return nil, 0, err
	}
	s.User = messages.UserID(text(user))
	s.CreatedAt, s.LastSeenAt, s.ExpiresAt = s.CreatedAt.UTC(), s.LastSeenAt.UTC(), s.ExpiresAt.UTC()
	if ended != nil {
		s.EndedAt = ended.UTC()
	}
	return s, s.Version, json.Unmarshal(rotations, &s.Rotations)
}

const updateSessions = `
	WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::text[],
			$8::timestamptz[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
			AS c(n, id, last_seen_at, ip, user_agent, generation, rotations, ended_at, end_reason, version, held_epoch, held_version)),
	done AS (UPDATE sessions p SET last_seen_at = c.last_seen_at, ip = c.ip, user_agent = c.user_agent, generation = c.generation,
			rotations = c.rotations, ended_at = c.ended_at, end_reason = c.end_reason, version = c.version
		FROM c WHERE p.id = c.id` + held + ` RETURNING c.n)
	SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
		THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE n NOT IN (SELECT n FROM done))) END`

// sessionRows collects the sessions of a group, column by column.
type sessionRows struct {
	changed     rows
	seen, ended []pgtype.Timestamptz
	ip, agent   []string
	generation  []int64
	rotations   []string
	endReason   []string
}

func (r *sessionRows) add(n int32, c *store.Commit, change *session.Change) {
	key, _ := uuid(c.ID)
	s := change.Row
	r.changed.add(n, key, c)
	r.changed.head(s.Version, 0)
	r.seen, r.ended = append(r.seen, stamp(s.LastSeenAt)), append(r.ended, stamp(s.EndedAt))
	r.ip, r.agent, r.endReason = append(r.ip, s.IP), append(r.agent, s.UserAgent), append(r.endReason, s.EndReason)
	rotations, _ := json.Marshal(s.Rotations) // plain fields always marshal
	r.generation, r.rotations = append(r.generation, int64(s.Generation)), append(r.rotations, string(rotations))
}

func (r *sessionRows) queue(b *pgx.Batch) {
	if m := &r.changed; len(m.n) > 0 {
		b.Queue(updateSessions, m.n, m.id, r.seen, r.ip, r.agent, r.generation, r.rotations, r.ended, r.endReason, m.version, m.heldEpoch, m.heldVersion)
	}
}

func joined(words []string) string { return strings.Join(words, " ") }
