// Package room holds the rules of presence: who is in a project, as the reports
// of the sockets of one node, and of all nodes, amount to. A user is there once,
// however many sockets he has on however many nodes, and shows what he said last.
package room

import "atelier/messages"

// Member is a user who is there.
type Member struct {
	messages.Present
	At int64 // when he said so, in microseconds since the epoch
}

// later reports whether a is shown rather than b: who has said something, and of
// these the last.
func later(a, b Member) bool {
	if said := a.State != nil; said != (b.State != nil) {
		return said
	}
	return a.At >= b.At
}

// latest is the one of a user's that is shown.
func latest[K comparable](of map[K]Member) (shown Member, ok bool) {
	for _, m := range of {
		if !ok || later(m, shown) {
			shown, ok = m, true
		}
	}
	return shown, ok
}

// Set is who is there by what several sources report of him: the sockets of a
// node, or the nodes. The zero value is empty.
type Set struct {
	users map[string]map[string]Member // user → source → what that reports
	of    map[string]map[string]bool   // source → its users
	dirty map[string]bool              // users of whom something has changed since Changes
}

// Put notes what a source reports of a user.
func (s *Set) Put(source string, m Member) {
	if s.users == nil {
		s.users, s.of, s.dirty = make(map[string]map[string]Member), make(map[string]map[string]bool), make(map[string]bool)
	}
	if s.users[m.UserID] == nil {
		s.users[m.UserID] = make(map[string]Member)
	}
	if s.of[source] == nil {
		s.of[source] = make(map[string]bool)
	}
	s.users[m.UserID][source] = m
	s.of[source][m.UserID] = true
	s.dirty[m.UserID] = true
}

// Remove notes that a user is not there any more by a source.
func (s *Set) Remove(source, user string) {
	if !s.of[source][user] {
		return
	}
	if delete(s.of[source], user); len(s.of[source]) == 0 {
		delete(s.of, source)
	}
	if delete(s.users[user], source); len(s.users[user]) == 0 {
		delete(s.users, user)
	}
	s.dirty[user] = true
}

// Drop removes all that a source has reported.
func (s *Set) Drop(source string) {
	for user := range s.of[source] {
		s.Remove(source, user)
	}
}

// Keep removes what a source has reported of others than these.
func (s *Set) Keep(source string, users map[string]bool) {
	for user := range s.of[source] {
		if !users[user] {
			s.Remove(source, user)
		}
	}
}

// Has reports whether a source has reported anybody.
func (s *Set) Has(source string) bool { return len(s.of[source]) > 0 }

// Len is how many users are there.
func (s *Set) Len() int { return len(s.users) }

// Changed reports whether there is anything for Changes to tell.
func (s *Set) Changed() bool { return len(s.dirty) > 0 }

// Changes is what has changed since it was asked last: of each user how he is
// shown now, however often that has changed.
func (s *Set) Changes() (here []Member, gone []string) {
	for user := range s.dirty {
		if m, ok := latest(s.users[user]); ok {
			here = append(here, m)
		} else {
			gone = append(gone, user)
		}
	}
	clear(s.dirty)
	return here, gone
}

// All is who is there.
func (s *Set) All() (here []Member) {
	for _, of := range s.users {
		if m, ok := latest(of); ok {
			here = append(here, m)
		}
	}
	return here
}
