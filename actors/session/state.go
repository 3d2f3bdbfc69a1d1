// Package session holds the rules of a session that is open: refreshing its
// tokens and finding out that one was stolen. The account opens and ends
// sessions; its commit raises the row's epoch and so fences the entity.
package session

import (
	"slices"
	"time"

	"atelier/messages"
)

// ReuseGrace is how long after a child's first use its parent still gets it.
const ReuseGrace = 10 * time.Second

// State of a session. The zero value is a session that does not exist. Rules
// read it, Apply alone writes it.
type State struct {
	ID         messages.SessionID
	User       messages.UserID
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	IP         string
	UserAgent  string
	AMR        []string
	AuthEpoch  int64 // of the account when the session was opened
	EndedAt    time.Time
	EndReason  string
	Generation uint32 // of the newest refresh token
	Rotations  []Rotation
	SteppedUp  time.Time // until then the user counts as having just proved who he is
	Version    int64
}

// Rotation records when a generation was born, which is when the one before it
// was first used. Only those that the reuse rule can still ask for are kept.
type Rotation struct {
	Generation uint32 `json:"g"`
	At         int64  `json:"at"` // microseconds since the epoch
}

// Exists reports whether the session was opened.
func (s *State) Exists() bool { return s.User != "" }

// Head is the version of the aggregate; a session has no stream of its own.
func (s *State) Head() (version, seq int64) { return s.Version, 0 }

// LastChange is when the last event happened.
func (s *State) LastChange() time.Time { return s.LastSeenAt }

// Clone copies the state; the copy shares nothing that Apply changes.
func (s *State) Clone() *State {
	c := *s
	c.Rotations = slices.Clone(s.Rotations)
	return &c
}

// Apply changes the state by one event.
func (s *State) Apply(e messages.Event, at messages.Stamp) {
	switch e := e.(type) {
	case *messages.SessionRefreshed:
		s.Generation, s.LastSeenAt = e.GetGeneration(), at.At
		s.IP, s.UserAgent = e.GetIp(), e.GetUserAgent()
		s.Rotations = keep(append(s.Rotations, Rotation{Generation: e.GetGeneration(), At: messages.Micros(at.At)}), at.At)
	case *messages.SessionSteppedUp:
		s.SteppedUp = messages.Time(e.GetUntil())
	}
	s.Version = at.Version
}

// Change is the sessions row after a flight.
type Change struct {
	Row *State // read only
}

// Stream of a session is none: its events are in the user's, which the account
// writes.
func Stream(*State) string { return "" }

// Changes is the row change of a flight.
func Changes(after *State, _ []messages.Event) any { return &Change{Row: after.Clone()} }
