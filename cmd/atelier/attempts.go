package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"atelier/actors/account"
	"atelier/identity"
	"atelier/messages"
)

// sessionsLooked is how many of a user's open sessions are looked at for a network.
const sessionsLooked = 100

// attempts are the budgets of sign-ins, nil where callers are not limited.
func (s *limitSettings) attempts(db *opened, key []byte, now func() time.Time) *identity.Attempts {
	if !s.limited() {
		return nil
	}
	return identity.NewAttempts(identity.DefaultAttempts(), identity.AttemptDeps{
		Store: db, Normal: account.NormaliseEmail, Key: key, Now: now,
		Known: func(ctx context.Context, user, network string) (bool, error) {
			if user == "" {
				user = uuid.Nil.String() // asked all the same: it takes the same time
			}
			page, err := db.ListSessions(ctx, &messages.SessionQuery{UserId: user, Now: messages.Micros(now()), Limit: sessionsLooked})
			for _, session := range page.GetItems() {
				if identity.Network(session.GetIp()) == network {
					return true, err
				}
			}
			return false, err
		},
	})
}
