package document

import (
	"errors"
	"time"

	"atelier/actors/document/yupdate"
	"atelier/messages"
)

// Append lets an update in. What of it is there already is left out; where nothing
// remains nothing is decided.
func Append(s *State, c *messages.AppendUpdate, _ time.Time) ([]messages.Event, error) {
	if err := granted(s, c); err != nil {
		return nil, err
	}
	if c.GetAt() > 0 && c.GetAt() != s.Position {
		return nil, messages.Refuse(messages.CodeVersionMismatch, "the document is at position %d, not %d", s.Position, c.GetAt())
	}
	if len(c.GetUpdate()) > messages.MaxUpdate {
		return nil, messages.Refuse(messages.CodePayloadTooLarge, "an update may have at most %d bytes", messages.MaxUpdate)
	}
	u, err := yupdate.Parse(c.GetUpdate(), taken())
	if err != nil {
		return nil, refusal(err)
	}
	news := s.known.News(u)
	if news == nil {
		return nil, nil
	}
	update := news.Encode()
	if s.Size+int64(len(update)) > MaxSize {
		return nil, messages.Refuse(messages.CodePayloadTooLarge, "a document may have at most %d bytes, and this one has %d", MaxSize, s.Size)
	}
	n, bytes := s.waits()
	return []messages.Event{&messages.DocumentUpdated{
		Update: update, UserId: c.GetMeta().GetPrincipal(), Waiting: n + 1, WaitingBytes: bytes + int64(len(update)),
	}}, nil
}

// taken are the limits of an update that anybody sends. Clocks may rise by much
// less than what a document may have in all.
func taken() yupdate.Limits {
	l := yupdate.DefaultLimits()
	l.Bytes, l.Clients, l.Structs, l.Deletes = messages.MaxUpdate, 1<<16, 1<<19, 1<<19
	return l
}

// granted refuses a command that its grant does not cover. Grants are made by the
// project and come from nodes of the cluster only.
func granted(s *State, c *messages.AppendUpdate) error {
	g := c.GetGrant()
	switch {
	case g.GetDocumentId() != string(s.ID):
		return messages.Missing("document")
	case !g.GetWrite() || g.GetUserId() == "" || g.GetUserId() != c.GetMeta().GetPrincipal():
		return messages.Refuse(messages.CodeForbidden, "the document may be read and not changed")
	}
	return nil
}

// Appended is the reply of Append.
func Appended(s *State, c *messages.AppendUpdate, _ time.Time) *messages.Appended {
	return &messages.Appended{DocumentId: c.GetDocumentId(), Position: s.Position}
}

// Fold takes one update in the place of all up to a position. It is asked for by
// the node that has made it of these, and by nobody else.
func Fold(s *State, c *messages.FoldDocument, _ time.Time) ([]messages.Event, error) {
	if c.GetMeta().GetPrincipal() != "" {
		return nil, messages.Refuse(messages.CodeForbidden, "documents are folded by their node")
	}
	if c.GetPosition() <= s.Folded || c.GetPosition() > s.Position {
		return nil, nil // another was faster
	}
	return []messages.Event{&messages.DocumentFolded{Position: c.GetPosition(), Content: c.GetContent()}}, nil
}

// Restored are the updates that make a document show what a version shows, in their
// order; none where it does.
func Restored(current, version []byte, client uint64) (updates [][]byte, err error) {
	now, err := yupdate.Parse(current, stored())
	if err != nil {
		return nil, err
	}
	then, err := yupdate.Parse(version, stored())
	if err != nil {
		return nil, err
	}
	u, err := yupdate.Restore(now, then, client)
	if errors.Is(err, yupdate.ErrLimit) {
		return nil, messages.Refuse(messages.CodePayloadTooLarge, "%v", err)
	}
	if err != nil || u.Empty() {
		return nil, err
	}
	for _, part := range u.Parts(messages.MaxUpdate / 2) {
		updates = append(updates, part.Encode())
	}
	return updates, nil
}

// Content makes one update of a document as it is stored.
func Content(l *messages.DocumentLog) ([]byte, error) {
	switch {
	case len(l.GetUpdates()) == 0 && len(l.GetContent()) == 0:
		return (&yupdate.Update{}).Encode(), nil
	case len(l.GetUpdates()) == 0:
		return l.GetContent(), nil
	}
	all := make([]*yupdate.Update, 0, len(l.GetUpdates())+1)
	parts := l.GetUpdates()
	if len(l.GetContent()) > 0 {
		parts = append([][]byte{l.GetContent()}, parts...)
	}
	for _, b := range parts {
		u, err := yupdate.Parse(b, stored())
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	merged := yupdate.Merge(all...)
	content, compact := merged.Encode(), merged.Compact().Encode()
	if len(compact) <= len(content)+len(content)/4+1024 {
		return compact, nil
	}
	return content, nil // cut in more places than its contents are worth
}
