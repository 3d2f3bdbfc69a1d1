package http

import (
	"context"
	"time"

	"atelier/messages"
)

// headerConsistency carries a position of the database to clients and back. It is no
// cookie: replies that overtake each other would leave an older one in it.
const headerConsistency = "Atelier-Consistency"

// atPrimary is told where the position is not known. It reads as none, so that
// queries are answered by the primary.
const atPrimary = "primary"

// positionTime is how long a reply waits for the position.
const positionTime = 500 * time.Millisecond

// seenFrom lets a read be answered by a replica that has what the client has seen.
func (s *Server) seenFrom(ctx context.Context, c *call) context.Context {
	if s.deps.Position == nil || !c.op.reads() {
		return ctx
	}
	if p := messages.ParsePosition(string(c.fiber.Request().Header.Peek(headerConsistency))); p.Anywhere() {
		return messages.SeenFrom(ctx, p)
	}
	return ctx
}

// tellPosition tells with a write where the database is after it. A refusal changed
// nothing, and the client goes on with what it was told before; where nobody knows the
// outcome it must not.
func (s *Server) tellPosition(ctx context.Context, c *call, err error) {
	if s.deps.Position == nil || c.op.reads() {
		return
	}
	if err != nil {
		if p, known := s.problems[messages.CodeOf(err)]; !known || p.Status >= 500 {
			c.fiber.Set(headerConsistency, atPrimary)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), positionTime)
	defer cancel()
	value := atPrimary
	if p, err := s.deps.Position(ctx); err == nil && p.Anywhere() {
		value = p.String()
	}
	c.fiber.Set(headerConsistency, value)
}
