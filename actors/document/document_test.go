package document_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/document"
	"atelier/messages"
)

const (
	id   = "d"
	user = "ann"
)

func empty(t testing.TB) *document.State {
	t.Helper()
	s, err := document.Load(id, 0, 0, time.Time{}, nil)
	require.NoError(t, err)
	return s
}

func grant() *messages.Grant {
	return &messages.Grant{ProjectId: "p", DocumentId: id, UserId: user, Role: "editor", Number: 3, Write: true}
}

// typed is a Yjs update: a client has written a text behind what it wrote before.
func typed(client, clock int, text string) []byte {
	number := func(b []byte, n int) []byte {
		for ; n > 127; n >>= 7 {
			b = append(b, byte(n)|128)
		}
		return append(b, byte(n))
	}
	b := number(number([]byte{1, 1}, client), clock)
	if clock == 0 {
		b = append(b, 4, 1, 1, 't')
	} else {
		b = number(number(append(b, 0x84), client), clock-1)
	}
	return append(append(number(b, len(text)), text...), 0)
}

func appending(update []byte) *messages.AppendUpdate {
	return &messages.AppendUpdate{Meta: &messages.Meta{Principal: user}, DocumentId: id, Grant: grant(), Update: update}
}

// apply decides a command as the runtime does.
func apply(t testing.TB, s *document.State, c messages.Command) []messages.Event {
	t.Helper()
	var events []messages.Event
	var err error
	before := s.Clone()
	switch c := c.(type) {
	case *messages.AppendUpdate:
		events, err = document.Append(s, c, time.Time{})
	case *messages.FoldDocument:
		events, err = document.Fold(s, c, time.Time{})
	}
	require.NoError(t, err)
	require.Equal(t, before, s, "a rule changed the state")
	for _, e := range events {
		version, _ := s.Head()
		if messages.RaisesVersion(e) {
			version++
		}
		require.False(t, messages.Logged(e))
		s.Apply(e, messages.Stamp{At: time.Unix(version, 0), Version: version})
	}
	return events
}

func TestAppend(t *testing.T) {
	t.Parallel()
	s := empty(t)
	e := apply(t, s, appending(typed(7, 0, "ab")))[0].(*messages.DocumentUpdated)
	require.Equal(t, typed(7, 0, "ab"), e.GetUpdate())
	require.Equal(t, user, e.GetUserId())
	require.Equal(t, int64(1), e.GetWaiting())
	require.Equal(t, int64(len(e.GetUpdate())), e.GetWaitingBytes())
	require.Empty(t, apply(t, s, appending(typed(7, 0, "ab"))), "all of it is there")
	news := apply(t, s, appending(typed(7, 0, "abc")))[0].(*messages.DocumentUpdated)
	require.Equal(t, typed(7, 2, "c"), news.GetUpdate(), "only what is new is kept")
	require.Equal(t, int64(2), s.Position)
	require.Equal(t, int64(len(e.GetUpdate())+len(news.GetUpdate())), s.Size)
	require.Equal(t, &messages.Appended{DocumentId: id, Position: 2}, document.Appended(s, appending(nil), time.Time{}))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := empty(t)
	apply(t, s, appending(typed(7, 0, "ab")))
	for name, c := range map[string]struct {
		change func(*messages.AppendUpdate)
		code   string
	}{
		"no grant":               {func(c *messages.AppendUpdate) { c.Grant = nil }, messages.CodeNotFound},
		"of another document":    {func(c *messages.AppendUpdate) { c.Grant.DocumentId = "e" }, messages.CodeNotFound},
		"to read":                {func(c *messages.AppendUpdate) { c.Grant.Write = false }, messages.CodeForbidden},
		"of somebody else":       {func(c *messages.AppendUpdate) { c.Grant.UserId = "bob" }, messages.CodeForbidden},
		"of nobody":              {func(c *messages.AppendUpdate) { c.Grant.UserId, c.Meta.Principal = "", "" }, messages.CodeForbidden},
		"no update":              {func(c *messages.AppendUpdate) { c.Update = []byte("x") }, messages.CodeValidationFailed},
		"nothing":                {func(c *messages.AppendUpdate) { c.Update = nil }, messages.CodeValidationFailed},
		"too large":              {func(c *messages.AppendUpdate) { c.Update = make([]byte, messages.MaxUpdate+1) }, messages.CodePayloadTooLarge},
		"a clock beyond reason":  {func(c *messages.AppendUpdate) { c.Update = typed(7, 1<<31, "x") }, messages.CodePayloadTooLarge},
		"computed from before":   {func(c *messages.AppendUpdate) { c.At = 2 }, messages.CodeVersionMismatch},
		"a fold by a user":       {nil, messages.CodeForbidden},
		"computed from the last": {func(c *messages.AppendUpdate) { c.At = 1 }, ""},
	} {
		var err error
		if c.change == nil {
			_, err = document.Fold(s, &messages.FoldDocument{Meta: &messages.Meta{Principal: user}, Position: 1}, time.Time{})
		} else {
			command := appending(typed(7, 2, "c"))
			c.change(command)
			_, err = document.Append(s, command, time.Time{})
		}
		if c.code == "" {
			require.NoError(t, err, name)
			continue
		}
		require.True(t, messages.HasCode(err, c.code), "%s: %v", name, err)
	}
}

func TestADocumentHasALargestSize(t *testing.T) {
	t.Parallel()
	s := empty(t)
	text := strings.Repeat("x", messages.MaxUpdate-100)
	var refused error
	for clock := 0; refused == nil; clock += len(text) {
		require.LessOrEqual(t, s.Size, int64(document.MaxSize))
		c := appending(typed(7, clock, text))
		if _, refused = document.Append(s, c, time.Time{}); refused == nil {
			apply(t, s, c)
		}
	}
	require.True(t, messages.HasCode(refused, messages.CodePayloadTooLarge), "%v", refused)
	require.Equal(t, int64(16), s.Position)
}

// What is folded says what was said before, and what came meanwhile waits on.
func TestFold(t *testing.T) {
	t.Parallel()
	s := empty(t)
	l := &messages.DocumentLog{DocumentId: id}
	for i := range 10 {
		c := appending(typed(7, 2*i, fmt.Sprintf("%02d", i)))
		apply(t, s, c)
		l.Updates = append(l.Updates, c.GetUpdate())
	}
	whole, err := document.Content(l)
	require.NoError(t, err)
	content, err := document.Content(&messages.DocumentLog{Updates: l.GetUpdates()[:7]})
	require.NoError(t, err)
	require.True(t, bytes.Contains(content, []byte("00010203040506")), "it is one text")
	vector := s.Vector()
	fold := &messages.FoldDocument{Meta: &messages.Meta{}, DocumentId: id, Position: 7, Content: content}
	folded := apply(t, s, fold)
	require.Len(t, folded, 1)
	require.Equal(t, vector, s.Vector())
	require.Equal(t, int64(10), s.Position)
	require.Empty(t, apply(t, s, fold), "it has been done")
	require.Empty(t, apply(t, s, &messages.FoldDocument{Meta: &messages.Meta{}, DocumentId: id, Position: 11, Content: content}), "of what is not there")

	loaded, err := document.Load(id, 10, 7, s.UpdatedAt, content)
	require.NoError(t, err)
	var rest []document.Update
	for i, u := range l.GetUpdates()[7:] {
		rest = append(rest, document.Update{Position: int64(8 + i), Data: u})
	}
	fill, err := document.LoadUpdates(rest)
	require.NoError(t, err)
	fill(loaded)
	require.Equal(t, s, loaded)
	again, err := document.Content(&messages.DocumentLog{Content: content, Updates: l.GetUpdates()[7:]})
	require.NoError(t, err)
	require.Equal(t, whole, again)

	change := document.Changes(s, []messages.Event{&messages.DocumentUpdated{Update: []byte("a")}, folded[0], &messages.DocumentUpdated{Update: []byte("b")}}).(*document.Change)
	require.Equal(t, []document.Update{{Position: 9, Data: []byte("a")}, {Position: 10, Data: []byte("b")}}, change.Added)
	require.Equal(t, &document.Update{Position: 7, Data: content}, change.Fold)
}

func TestVersionsAreRestored(t *testing.T) {
	t.Parallel()
	then, now := typed(7, 0, "ab"), typed(7, 0, "abcd")
	none, err := document.Restored(now, now, 9)
	require.NoError(t, err)
	require.Empty(t, none)
	updates, err := document.Restored(now, then, 9)
	require.NoError(t, err)
	require.Equal(t, [][]byte{{0, 1, 7, 1, 2, 2}}, updates, "what came since is deleted")
	deleted, err := document.Content(&messages.DocumentLog{Content: now, Updates: updates})
	require.NoError(t, err)
	updates, err = document.Restored(deleted, now, 9)
	require.NoError(t, err)
	require.Len(t, updates, 1)
	require.True(t, bytes.Contains(updates[0], []byte("cd")), "what was deleted is written again")
	_, err = document.Restored([]byte("x"), then, 9)
	require.Error(t, err)
}
