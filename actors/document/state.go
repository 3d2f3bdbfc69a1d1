// Package document holds the rules of a document's content: which updates it
// takes, and how it stays small. The project decides which documents there are
// and who may do what with them; whoever sends an update brings the grant that it
// issued.
package document

import (
	"fmt"
	"slices"
	"time"

	"atelier/actors/document/yupdate"
	"atelier/messages"
)

// Limits of a document.
const (
	MaxSize = messages.MaxDocument // bytes of what was folded and of the updates since
)

// When a document is folded: updates that wait, or bytes of them.
const (
	FoldUpdates = 500
	FoldBytes   = 1 << 20
)

// State of a document: what it knows, not what it holds, which is read where it
// is stored. The zero value is a document that does not exist. Rules read it,
// Apply alone writes it.
type State struct {
	ID        messages.DocumentID
	Position  int64 // of the last update; the version
	Folded    int64 // up to there all updates are one
	Size      int64 // bytes, those that wait included
	UpdatedAt time.Time

	known   *yupdate.Known
	content int64     // bytes of what was folded
	waiting []waiting // updates that are not folded, the oldest first
}

type waiting struct {
	position int64
	size     int64
}

// Update is one that waits, as it is stored.
type Update struct {
	Position int64
	Data     []byte
}

// Load makes a state of what is stored without the updates that wait: the content
// up to a position, nil at 0.
func Load(id string, position, folded int64, updated time.Time, content []byte) (*State, error) {
	s := &State{ID: messages.DocumentID(id), Position: position, Folded: folded, UpdatedAt: updated, known: yupdate.NewKnown(&yupdate.Update{})}
	if len(content) == 0 {
		return s, nil
	}
	u, err := yupdate.Parse(content, stored())
	if err != nil {
		return nil, fmt.Errorf("content of document %s: %w", id, err)
	}
	s.known.Add(u)
	s.content = int64(len(content))
	s.Size = s.content
	return s, nil
}

// LoadUpdates reads the updates that wait, in their order. What it returns puts them
// into a state.
func LoadUpdates(updates []Update) (func(*State), error) {
	parsed := make([]*yupdate.Update, len(updates))
	for i, one := range updates {
		var err error
		if parsed[i], err = yupdate.Parse(one.Data, stored()); err != nil {
			return nil, fmt.Errorf("update %d of a document: %w", one.Position, err)
		}
	}
	return func(s *State) {
		for i, u := range parsed {
			s.add(u, updates[i].Position, len(updates[i].Data))
		}
	}, nil
}

// stored are the limits of what was let in before.
func stored() yupdate.Limits { return yupdate.DefaultLimits() }

// Exists reports whether there is such a document.
func (s *State) Exists() bool { return s.ID != "" }

// Head is the version of the aggregate; a document has no stream of its own.
func (s *State) Head() (version, seq int64) { return s.Position, 0 }

// LastChange is when the last event happened.
func (s *State) LastChange() time.Time { return s.UpdatedAt }

// Vector is the state vector.
func (s *State) Vector() yupdate.Vector { return s.known.Vector() }

// Clone copies the state; the copy shares nothing that Apply changes.
func (s *State) Clone() *State {
	c := *s
	if s.known != nil {
		c.known = s.known.Clone()
	}
	c.waiting = slices.Clone(s.waiting)
	return &c
}

func (s *State) add(u *yupdate.Update, position int64, size int) {
	s.known.Add(u)
	s.waiting = append(s.waiting, waiting{position, int64(size)})
	s.Size += int64(size)
}

// Apply changes the state by one event.
func (s *State) Apply(e messages.Event, at messages.Stamp) {
	switch e := e.(type) {
	case *messages.DocumentUpdated:
		u, err := yupdate.Parse(e.GetUpdate(), stored())
		if err != nil {
			panic(fmt.Sprintf("document: an update that was let in: %v", err))
		}
		s.add(u, at.Version, len(e.GetUpdate()))
		s.UpdatedAt = at.At
	case *messages.DocumentFolded:
		rest := slices.IndexFunc(s.waiting, func(w waiting) bool { return w.position > e.GetPosition() })
		if rest < 0 {
			rest = len(s.waiting)
		}
		s.waiting = slices.Clone(s.waiting[rest:])
		s.Folded, s.content = e.GetPosition(), int64(len(e.GetContent()))
		s.Size = s.content
		for _, w := range s.waiting {
			s.Size += w.size
		}
	}
	s.Position = at.Version
}

// waits is how much is not folded.
func (s *State) waits() (updates, bytes int64) { return int64(len(s.waiting)), s.Size - s.content }
