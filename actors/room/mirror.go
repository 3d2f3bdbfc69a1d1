package room

import (
	"maps"
	"slices"
	"strings"

	"atelier/messages"
)

// Mirror is what a node knows of who is there, from changes that are numbered by
// the node which merges all reports, and what those who watch were told of it. The
// zero value knows nobody.
type Mirror struct {
	room   string // whose numbers these are; empty: none was heard of
	number int64  // of the last change; -1: one was missed

	users map[string]Member
	told  map[string]bool // whom those who watch know
	dirty map[string]bool // of whom they are to be told
	parts map[string]bool // whom the parts of a whole have named so far
	part  int64           // which of them is next
}

// Change is one that was numbered: of a room, the one after From. Of a whole, From
// is the number of the part, from 0 on.
type Change struct {
	Room     string
	From, To int64
	Whole    bool // all who are there
	More     bool // another part of the whole follows
	Young    bool // who is not named in the whole may be there
	Here     []Member
	Gone     []string
}

// At is how far the mirror has come.
func (m *Mirror) At() (room string, number int64) { return m.room, m.number }

// Apply takes a change. Not ok: changes are missing, and the whole is needed.
func (m *Mirror) Apply(c Change) (ok bool) {
	switch {
	case c.Whole:
		return m.whole(c)
	case c.From == 0: // the first of a room: whoever was in another one may be about to be reported here
	case c.Room == m.room && c.To <= m.number:
		return true
	case c.Room != m.room || c.From != m.number:
		m.number = -1
		return false
	}
	m.room, m.number = c.Room, c.To
	m.put(c.Here)
	m.remove(c.Gone)
	return true
}

func (m *Mirror) whole(c Change) (ok bool) {
	if c.From == 0 {
		m.parts, m.part = make(map[string]bool), 0
	}
	if c.From != m.part {
		m.number = -1
		return false
	}
	m.part++
	m.put(c.Here)
	for _, one := range c.Here {
		m.parts[one.UserID] = true
	}
	if c.More {
		return true
	}
	if !c.Young {
		for user := range m.users {
			if !m.parts[user] {
				m.remove([]string{user})
			}
		}
	}
	m.parts, m.part, m.room, m.number = nil, -1, c.Room, c.To
	return true
}

func (m *Mirror) put(here []Member) {
	if m.users == nil {
		m.users, m.told, m.dirty = make(map[string]Member), make(map[string]bool), make(map[string]bool)
	}
	for _, one := range here {
		if was, known := m.users[one.UserID]; known && was.At == one.At && was.Name == one.Name && string(was.State) == string(one.State) {
			continue
		}
		m.users[one.UserID], m.dirty[one.UserID] = one, true
	}
}

func (m *Mirror) remove(gone []string) {
	for _, user := range gone {
		if _, known := m.users[user]; known {
			delete(m.users, user)
			m.dirty[user] = true
		}
	}
}

// Changed reports whether there is anything to tell.
func (m *Mirror) Changed() bool { return len(m.dirty) > 0 }

// Len is how many users are there.
func (m *Mirror) Len() int { return len(m.users) }

// Changes is what those who watch are to be told since they were last: each user
// once, as he is shown now.
func (m *Mirror) Changes() (join, update []messages.Present, leave []string) {
	for user := range m.dirty {
		one, here := m.users[user]
		switch {
		case here && m.told[user]:
			update = append(update, one.Present)
		case here:
			join = append(join, one.Present)
			m.told[user] = true
		case m.told[user]:
			leave = append(leave, user)
			delete(m.told, user)
		}
	}
	clear(m.dirty)
	slices.SortFunc(join, byUser)
	slices.SortFunc(update, byUser)
	slices.Sort(leave)
	return join, update, leave
}

// All is who is there, by user.
func (m *Mirror) All() []messages.Present {
	all := make([]messages.Present, 0, len(m.users))
	for one := range maps.Values(m.users) {
		all = append(all, one.Present)
	}
	slices.SortFunc(all, byUser)
	return all
}

func byUser(a, b messages.Present) int { return strings.Compare(a.UserID, b.UserID) }
