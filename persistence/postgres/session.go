package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

const loadSession = `
	SELECT user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch, generation, rotations, ended_at, end_reason, version, stepped_up_until
	FROM sessions WHERE id = $1`

// Sessions claims session rows, ended ones too.
func (db *DB) Sessions() store.Claimer[*session.State] {
	return claimer[*session.State]{db: db, kind: store.Session, table: "sessions", load: loadSession, row: readSession}
}

func readSession(row pgx.Row, id string) (*session.State, int64, error) {
	s := &session.State{ID: messages.SessionID(id)}
	var user pgtype.UUID
	var rotations []byte
	var ended, steppedUp *time.Time
	err := row.Scan(&user, &s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt, &s.IP, &s.UserAgent, &s.AMR, &s.AuthEpoch, &s.Generation,
		&rotations, &ended, &s.EndReason, &s.Version, &steppedUp)
	if err != nil {
		return nil, 0, err
	}
	s.User = messages.UserID(text(user))
	s.CreatedAt, s.LastSeenAt, s.ExpiresAt = s.CreatedAt.UTC(), s.LastSeenAt.UTC(), s.ExpiresAt.UTC()
	if ended != nil {
		s.EndedAt = ended.UTC()
	}
	if steppedUp != nil {
		s.SteppedUp = steppedUp.UTC()
	}
	return s, s.Version, json.Unmarshal(rotations, &s.Rotations)
}

var updateSessions = variants(func(q *composition) string {
	q.input("c", append(fence, "next bigint", "last_seen_at timestamptz", "ip text", "user_agent text", "generation bigint", "rotations text", "stepped_up_until timestamptz")...)
	q.commands()
	q.table("done", `
		UPDATE sessions p SET last_seen_at = c.last_seen_at, ip = c.ip, user_agent = c.user_agent, generation = c.generation,
			rotations = c.rotations, stepped_up_until = c.stepped_up_until, version = c.next
		FROM c WHERE `+byID+` AND `+held+` AND `+q.free()+` RETURNING c.id`)
	q.failedRows()
	q.record()
	q.remember()
	return q.text()
})

func updateSessionArgs(a *arguments, flights []flight) {
	row := func(f flight) *session.State { return f.commit.Change.(*session.Change).Row }
	a.fences(flights)
	a.add(0,
		int8s(flights, func(f flight) int64 { return row(f).Version }),
		times(flights, func(f flight) pgtype.Timestamptz { return stamp(row(f).LastSeenAt) }),
		texts(flights, func(f flight) string { return row(f).IP }),
		texts(flights, func(f flight) string { return row(f).UserAgent }),
		int8s(flights, func(f flight) int64 { return int64(row(f).Generation) }),
		texts(flights, func(f flight) string { return encode(row(f).Rotations) }),
		times(flights, func(f flight) pgtype.Timestamptz { return stamp(row(f).SteppedUp) }))
	a.commands(flights)
	a.events(flights)
}

// encode is the JSON of plain fields, which always marshal.
func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
