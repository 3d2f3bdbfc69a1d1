package actors

import (
	"context"

	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// Sessions asks session entities.
type Sessions struct{ caller Caller }

// NewSessions makes the client of session entities.
func NewSessions(c Caller) *Sessions { return &Sessions{c} }

// GetSession reads a session that is open.
func (s *Sessions) GetSession(ctx context.Context, c *messages.GetSession) (*messages.Session, error) {
	return ask[*messages.Session](ctx, s.caller, store.Session, c.GetSessionId(), c)
}

// RefreshSession presents a refresh token.
func (s *Sessions) RefreshSession(ctx context.Context, c *messages.RefreshSession) (*messages.Refreshed, error) {
	return ask[*messages.Refreshed](ctx, s.caller, store.Session, c.GetSessionId(), c)
}

// StepUp notes that the user has just proved again who he is.
func (s *Sessions) StepUp(ctx context.Context, c *messages.StepUp) (*messages.Session, error) {
	return ask[*messages.Session](ctx, s.caller, store.Session, c.GetSessionId(), c)
}

// AddSessions makes the runtime a home of session entities.
func AddSessions(r *Runtime, claimer store.Claimer[*session.State]) {
	r.Add(newKind(r, spec[*session.State]{
		name: store.Session, claimer: claimer, empty: func() *session.State { return &session.State{} },
		stream: session.Stream, changes: session.Changes, receive: receiveSession,
		creates: func(messages.Command) bool { return false }, // the account opens sessions
	}))
}

func receiveSession(t turn[*session.State], c messages.Command) {
	switch c := c.(type) {
	case *messages.RefreshSession:
		write(t, c, session.Refresh, session.Refreshed)
	case *messages.StepUp:
		write(t, c, session.StepUp, session.SteppedUp)
	case *messages.GetSession:
		read(t, c, session.Get)
	default:
		t.unknown(c)
	}
}
