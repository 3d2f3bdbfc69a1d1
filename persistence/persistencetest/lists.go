package persistencetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// collaboratorPages: newest first, once each, under joining and leaving.
func collaboratorPages(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	var users []*entity[*account.State]
	for i := range 14 {
		user := newUser(t, db, "n1")
		users = append(users, user)
		p.commit(t, db, later(i/2), added(user, project.RoleEditor, owner.fence.ID))
	}
	name := nameChanged(users[3], "Ann Other")
	name.Profile = &messages.ProfileChange{DisplayName: proto.String("Ann"), Timezone: proto.String("Europe/Vienna")}
	users[3].commit(t, db, later(1), name)
	list := func(limit int32, between func(n int)) []*messages.Collaborator {
		return pages(t, func(after *messages.PageKey) ([]*messages.Collaborator, *messages.PageKey) {
			page, err := db.ListCollaborators(t.Context(), &messages.CollaboratorQuery{ProjectId: p.fence.ID, Limit: limit, After: after})
			require.NoError(t, err)
			return page.GetItems(), page.GetNext()
		}, between)
	}
	for _, limit := range []int32{1, 3, 14, 100} {
		var got []project.Member
		for _, c := range list(limit, nil) {
			got = append([]project.Member{{
				User: messages.UserID(c.GetUserId()), Role: project.Role(c.GetRole()), AddedAt: messages.Time(c.GetAddedAt()), AddedBy: messages.UserID(c.GetAddedBy()),
			}}, got...)
			require.Equal(t, p.fence.ID, c.GetProjectId())
			require.Equal(t, p.state.Version, c.GetVersion(), "of the project")
			if c.GetUserId() == users[3].fence.ID {
				require.Equal(t, "Ann Other", c.GetUser().GetName())
				require.Equal(t, "Ann", c.GetUser().GetProfile().GetDisplayName())
			}
		}
		require.Equal(t, p.state.Members(), got, "by %d", limit)
	}
	moved := make(map[string]bool)
	want := p.copy().state.Members()
	items := list(2, func(n int) {
		if n > 2 {
			return
		}
		gone, back := users[n*4], newUser(t, db, "n1")
		moved[gone.fence.ID], moved[back.fence.ID] = true, true
		p.commit(t, db, later(20+n), &messages.ProjectCollaboratorRemoved{UserId: gone.fence.ID, Role: string(project.RoleEditor)})
		p.commit(t, db, later(20+n), added(back, project.RoleViewer, owner.fence.ID))
		p.commit(t, db, later(20+n), &messages.ProjectRoleChanged{UserId: users[n*4+1].fence.ID, Role: string(project.RoleAdmin), PreviousRole: string(project.RoleEditor)})
	})
	var got []string
	for _, c := range items {
		if !moved[c.GetUserId()] {
			got = append(got, c.GetUserId())
		}
	}
	slices.Reverse(want)
	want = slices.DeleteFunc(slices.Clone(want), func(m project.Member) bool { return moved[string(m.User)] })
	require.Len(t, got, len(want))
	for i, m := range want {
		require.Equal(t, string(m.User), got[i], "a new role does not move anyone")
	}
}

// sessionPages: open and unexpired ones, newest first, under opening and ending.
func sessionPages(t *testing.T, db *Database) {
	user := newUser(t, db, "n1")
	var all []*messages.SessionOpened
	for i := range 12 {
		s := opened(user, later(i/2))
		user.commit(t, db, later(i/2), s)
		all = append(all, s)
	}
	expired := opened(user, later(-24*60))
	user.commit(t, db, later(6), expired)
	user.commit(t, db, later(6), ended(all[5]))
	live := openedSession("n1", user, all[4], later(2))
	live.commit(t, db, later(9), refreshed(1))
	list := func(limit int32, now time.Time, between func(n int)) (ids []string) {
		for _, s := range pages(t, func(after *messages.PageKey) ([]*messages.Session, *messages.PageKey) {
			page, err := db.ListSessions(t.Context(), &messages.SessionQuery{UserId: user.fence.ID, Now: messages.Micros(now), Limit: limit, After: after})
			require.NoError(t, err)
			return page.GetItems(), page.GetNext()
		}, between) {
			ids = append(ids, s.GetId())
			require.Equal(t, user.fence.ID, s.GetUserId())
			if s.GetId() == live.fence.ID {
				require.Equal(t, "192.0.2.7", s.GetIp())
				require.Equal(t, messages.Micros(later(9)), s.GetLastSeenAt())
				require.Equal(t, messages.Micros(later(2)), s.GetCreatedAt())
				require.Equal(t, all[4].GetAmr(), s.GetAmr())
			}
		}
		return ids
	}
	var want []string
	for i, s := range all {
		if i != 5 {
			want = append(want, s.GetSessionId())
		}
	}
	slices.SortStableFunc(want, func(a, b string) int {
		at := func(id string) time.Time { return user.state.Sessions[messages.SessionID(id)].OpenedAt }
		return cmp.Or(at(b).Compare(at(a)), strings.Compare(b, a))
	})
	for _, limit := range []int32{1, 4, 11, 100} {
		require.Equal(t, want, list(limit, later(7), nil), "by %d", limit)
	}
	require.Empty(t, list(5, later(48*60), nil), "all expired")
	moved := make(map[string]bool)
	got := list(3, later(7), func(n int) {
		if n > 1 {
			return
		}
		fresh := opened(user, later(8))
		moved[want[n]], moved[want[n+5]], moved[fresh.GetSessionId()] = true, true, true
		user.commit(t, db, later(8), fresh, &messages.SessionEnded{UserId: user.fence.ID, SessionId: want[n], Reason: messages.EndedByUser},
			&messages.SessionEnded{UserId: user.fence.ID, SessionId: want[n+5], Reason: messages.EndedByUser})
	})
	drop := func(id string) bool { return moved[id] }
	require.Equal(t, slices.DeleteFunc(slices.Clone(want), drop), slices.DeleteFunc(got, drop))
}

// eventPages: the log is read from both ends while it grows.
func eventPages(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n1")
	other, _ := newUserProject(t, db, "n1")
	var want []store.Event
	for i := range 9 {
		f := p.fly(later(i+1), renamed(fmt.Sprint("name ", i)), &messages.ProjectSettingsChanged{MaxCollaborators: proto.Int32(int32(i))})
		want = append(want, f.commit.Events...)
		write(t, db, f.commit)
		p.land(f)
	}
	other.commit(t, db, later(1), renamed("elsewhere"))
	name := p.stream(p.state)
	grow := func(int) { p.commit(t, db, later(50), renamed(newID())) }

	var up []*messages.EventRecord
	for after := int64(1); len(up) < len(want); {
		page, err := db.ListEvents(t.Context(), &messages.EventQuery{Stream: name, AfterSeq: after, Limit: 4})
		require.NoError(t, err)
		up = append(up, page.GetItems()...)
		after = up[len(up)-1].GetSeq()
		grow(0)
	}
	for i, e := range want {
		require.Equal(t, resource(t, &messages.EventRecord{
			Id: e.ID, Stream: name, Seq: e.Seq, Version: e.Version, Type: e.Type, Data: e.Data, ActorId: e.Actor, OccurredAt: messages.Micros(e.OccurredAt),
		}), resource(t, up[i]))
	}
	head, err := db.ListEvents(t.Context(), &messages.EventQuery{Stream: name, NewestFirst: true, Limit: 1})
	require.NoError(t, err)
	require.True(t, head.GetMore())
	last := head.GetItems()[0].GetSeq()
	require.Equal(t, p.state.Seq, last)
	for before := last; before > 1; {
		page, err := db.ListEvents(t.Context(), &messages.EventQuery{Stream: name, NewestFirst: true, BeforeSeq: before, Limit: 5})
		require.NoError(t, err)
		for _, e := range page.GetItems() {
			before--
			require.Equal(t, before, e.GetSeq())
		}
		require.Equal(t, before > 1, page.GetMore())
		grow(0)
	}
	empty, err := db.ListEvents(t.Context(), &messages.EventQuery{Stream: messages.ProjectStream(newID()), Limit: 5})
	require.NoError(t, err)
	require.Empty(t, empty.GetItems())
	require.False(t, empty.GetMore())
}
