package sqlite

import (
	"errors"

	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

var (
	sessionClaims = claimsOf("sessions")
	selectSession = stmt(`
		SELECT user_id, created_at, last_seen_at, expires_at, ip, user_agent, amr, auth_epoch, generation, rotations, ended_at, end_reason,
			version, epoch, stepped_up_until
		FROM sessions WHERE id = ?`)
)

// Sessions claims session rows, ended ones too.
func (db *DB) Sessions() store.Claimer[*session.State] {
	return claimer[*session.State]{db, store.Session, sessionClaims, loadSession}
}

func loadSession(c *connection, id string) (s *session.State, epoch int64, err error) {
	s = &session.State{ID: messages.SessionID(id)}
	err = c.each(selectSession, []any{id}, func(r *row) error {
		s.User, s.CreatedAt, s.LastSeenAt, s.ExpiresAt = messages.UserID(r.text()), r.time(), r.time(), r.time()
		s.IP, s.UserAgent = r.text(), r.text()
		err := r.json(&s.AMR)
		s.AuthEpoch, s.Generation = r.int(), uint32(r.int())
		err = errors.Join(err, r.json(&s.Rotations))
		s.EndedAt, s.EndReason, s.Version, epoch = r.time(), r.text(), r.int(), r.int()
		s.SteppedUp = r.time()
		return err
	})
	return s, epoch, err
}

var updateSession = stmt(`
	UPDATE sessions SET last_seen_at = ?, ip = ?, user_agent = ?, generation = ?, rotations = ?, ended_at = ?, end_reason = ?, stepped_up_until = ?, version = ?
	WHERE id = ? AND ` + held)

func (c *connection) updateSession(one *store.Commit, s *session.State) (verdict, err error) {
	return fenced(c.exec(updateSession, stamp(s.LastSeenAt), s.IP, s.UserAgent, int64(s.Generation), encode(s.Rotations), stamp(s.EndedAt),
		s.EndReason, stamp(s.SteppedUp), s.Version, one.ID, one.Epoch, one.Version))
}
