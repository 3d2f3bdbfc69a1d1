package main

import (
	"sync/atomic"
	"time"

	"atelier/identity"
	"atelier/identity/token"
)

// validated is the table of tokens for which the truth was asked. It answers
// only while the lease lets this node answer from memory, and only what was
// found out in the same era: in between, another process may have ended the
// session without this one hearing of it.
type validated struct {
	cache    *token.Cache[checked]
	lease    lease
	activity *activity
}

// checked is the outcome of asking the truth, in an era of the lease.
type checked struct {
	principal *identity.Principal
	era       int64
	noted     *atomic.Int64 // round of the activity in which the user was noted last
}

// Get implements identity.Validated. The lease is asked after the table was read.
func (v validated) Get(token string) (*identity.Principal, bool) {
	c, known := v.cache.Get(token)
	if !known {
		return nil, false
	}
	era, trusted := v.lease.Trust()
	if !trusted || era != c.era {
		return nil, false
	}
	if round := v.activity.round.Load(); c.noted.Load() != round {
		c.noted.Store(round)
		v.activity.note(c.principal.UserID)
	}
	return c.principal, true
}

// Begin implements identity.Validated.
func (v validated) Begin(token, user, session string) (keep func(*identity.Principal, time.Time) bool, drop func()) {
	era, _ := v.lease.Trust()
	store, drop := v.cache.Begin(token, user, session)
	return func(p *identity.Principal, expires time.Time) bool {
		kept := store(checked{p, era, new(atomic.Int64)}, expires)
		if kept {
			v.activity.note(p.UserID)
		}
		return kept
	}, drop
}
