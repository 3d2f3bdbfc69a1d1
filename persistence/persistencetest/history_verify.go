package persistencetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// verify compares everything that was applied with rows, log and lists.
func (w *world) verify() {
	for _, user := range w.users {
		rows := user.copyOf(w.t, w.db)
		same(w.t, user.state, rows)
		sum := fold(w.t, w.db, &account.State{}, user.stream(user.state))
		open := user.state.Clone()
		open.TypedEmail, open.PasswordHash, open.Links = "", "", account.Links{} // secrets are in no event
		same(w.t, open, sum)
		w.verifyLists(user)
	}
	for _, p := range w.projects {
		if p.fence.Epoch > 0 {
			w.verifyProject(p)
		}
	}
	for id, model := range w.sessions {
		c, err := w.db.Sessions().Claim(w.t.Context(), string(id), "n1")
		require.NoError(w.t, err)
		same(w.t, model, c.State)
	}
}

func (w *world) verifyProject(p *entity[*project.State]) {
	public := p.state.Clone()
	for i := range public.Invitations {
		public.Invitations[i].Email, public.Invitations[i].Typed = "", "" // addresses are in no event
	}
	same(w.t, public, fold(w.t, w.db, &project.State{}, messages.ProjectStream(p.fence.ID)))
	members := pages(w.t, func(after *messages.PageKey) ([]*messages.Collaborator, *messages.PageKey) {
		page, err := w.db.ListCollaborators(w.t.Context(), &messages.CollaboratorQuery{ProjectId: p.fence.ID, Limit: 2, After: after})
		require.NoError(w.t, err)
		return page.GetItems(), page.GetNext()
	}, nil)
	if !p.state.Exists() {
		_, err := w.db.Projects().Claim(w.t.Context(), p.fence.ID, "n1")
		require.ErrorIs(w.t, err, store.ErrNotFound)
		require.Empty(w.t, members, "of a deleted project")
		return
	}
	same(w.t, p.state, p.copyOf(w.t, w.db))
	require.Len(w.t, members, len(p.state.Members()))
	for i, m := range p.state.Members() {
		shown := members[len(members)-1-i]
		require.Equal(w.t, []string{string(m.User), string(m.Role), string(m.AddedBy)}, []string{shown.GetUserId(), shown.GetRole(), shown.GetAddedBy()})
	}
}

// fold adds up the events of the log.
func fold[S aggregate[S]](t testing.TB, db Engine, s S, name string) S {
	t.Helper()
	for _, record := range stream(t, db, name) {
		event, err := messages.ParseEvent(record.GetType(), record.GetData())
		require.NoError(t, err)
		s.Apply(event, messages.Stamp{At: messages.Time(record.GetOccurredAt()), Version: record.GetVersion(), Seq: record.GetSeq()})
	}
	return s
}

func (w *world) verifyLists(user *entity[*account.State]) {
	var want []string
	for _, p := range w.projects {
		_, member := p.state.Member(user.state.ID)
		if p.state.Exists() && (member || p.state.Owner == user.state.ID) {
			want = append(want, resource(w.t, project.Resource(p.state)))
		}
	}
	var got []string
	for _, item := range listProjects(w.t, w.db, &messages.ProjectQuery{UserId: user.fence.ID, Limit: 3}, nil) {
		got = append(got, resource(w.t, item))
	}
	require.ElementsMatch(w.t, want, got)

	want, got = nil, nil
	for id, s := range w.sessions {
		if s.User == user.state.ID && s.EndedAt.IsZero() && s.ExpiresAt.After(w.now) && s.AuthEpoch >= user.state.AuthEpoch {
			want = append(want, string(id))
		}
	}
	for _, s := range pages(w.t, func(after *messages.PageKey) ([]*messages.Session, *messages.PageKey) {
		page, err := w.db.ListSessions(w.t.Context(), &messages.SessionQuery{UserId: user.fence.ID, Now: messages.Micros(w.now), Limit: 3, After: after})
		require.NoError(w.t, err)
		return page.GetItems(), page.GetNext()
	}, nil) {
		got = append(got, s.GetId())
	}
	byAge := func(a, b string) int {
		at := func(id string) time.Time { return w.sessions[messages.SessionID(id)].CreatedAt }
		if c := at(b).Compare(at(a)); c != 0 {
			return c
		}
		return strings.Compare(b, a)
	}
	slices.SortFunc(want, byAge)
	require.Equal(w.t, want, got)
}
