package persistencetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/messages"
)

// usersAreErased: of a deleted user neither rows nor lists nor, in the end, the log
// tell who he was, and the log still adds up to what the row has.
func usersAreErased(t *testing.T, db *Database) {
	user, other := newUser(t, db, "n1"), newUser(t, db, "n1")
	address, name := user.state.Email, user.state.Name
	change := nameChanged(user, "Canary")
	change.Profile = &messages.ProfileChange{Bio: proto.String("canary")}
	user.commit(t, db, later(1), change, &messages.UserUpdated{UserId: user.fence.ID, Preferences: proto.String(`{"canary":1}`)})
	session := opened(user, later(1))
	user.commit(t, db, later(1), session)
	user.commit(t, db, later(2), &messages.UserSuspended{UserId: user.fence.ID, Status: string(account.Suspended), Reason: "canary"})
	f := user.decide(later(3), func(s *account.State) []messages.Event {
		return must(t)(account.Delete(s, &messages.DeleteAccount{Meta: &messages.Meta{Principal: user.fence.ID}, UserId: user.fence.ID}, later(3)))
	})
	write(t, db, f.commit)
	user.land(f)
	require.False(t, user.state.Exists())
	same(t, user.state, user.claimed(t, db.Accounts(), "n1").state)

	found, err := db.FindCredential(t.Context(), address)
	require.NoError(t, err)
	require.Nil(t, found)
	found, err = db.FindCredential(t.Context(), account.DeletedAddress(user.state.ID))
	require.NoError(t, err)
	require.Nil(t, found)
	users, err := db.PublicUsers(t.Context(), []string{user.fence.ID})
	require.NoError(t, err)
	require.Empty(t, users)
	listed, err := db.ListUsers(t.Context(), &messages.UserQuery{Text: "canary", Limit: 100})
	require.NoError(t, err)
	require.Empty(t, listed.GetItems())

	before := stream(t, db, user.stream(user.state))
	untouched := stream(t, db, other.stream(other.state))
	for range 2 {
		require.NoError(t, db.EraseEvents(t.Context(), user.fence.ID))
	}
	after := stream(t, db, user.stream(user.state))
	require.Len(t, after, len(before))
	for i, e := range after {
		data := string(e.GetData())
		for _, personal := range []string{"anary", address, name, "2001:db8::1", "a browser"} {
			require.NotContains(t, data, personal, e.GetType())
		}
		require.Equal(t, before[i].GetId(), e.GetId())
	}
	require.Equal(t, untouched, stream(t, db, other.stream(other.state)))
	sum := user.state.Clone()
	sum.TypedEmail, sum.Links = user.state.TypedEmail, account.Links{}
	same(t, sum, fold(t, db, &account.State{}, user.stream(user.state)))

	was := openedSession("n1", user, session, later(1)).claimed(t, db.Sessions(), "n1").state
	require.Empty(t, was.IP+was.UserAgent)
	again := newAccount("n1")
	again.commit(t, db, later(4), registered(again.fence.ID, address))
}

// ownersAreNotErased: a user who owns a project is refused, whoever else is in the
// group.
func ownersAreNotErased(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	free := newUser(t, db, "n1")
	gone := func(user *entity[*account.State]) flight[*account.State] {
		return user.fly(later(1), &messages.UserDeleted{UserId: user.fence.ID})
	}
	refused, fine := gone(owner), gone(free)
	r := results(t, db, refused.commit, fine.commit)
	require.True(t, messages.HasCode(r[0].Err, messages.CodeOwnsProjects), "%v", r[0].Err)
	require.NoError(t, r[1].Err)
	same(t, owner.state, owner.claimed(t, db.Accounts(), "n1").state)
	owner = owner.claimed(t, db.Accounts(), "n1")
	p.commit(t, db, later(2), &messages.ProjectDeleted{ProjectId: p.fence.ID})
	owner.commit(t, db, later(3), &messages.UserDeleted{UserId: owner.fence.ID})
}

func invited(id, email string, at time.Time) *messages.ProjectInvitationCreated {
	return &messages.ProjectInvitationCreated{
		InvitationId: id, Email: email, TypedEmail: "Typed." + email, Role: string(project.RoleEditor), InvitedBy: newID(),
		ExpiresAt: messages.FormatTime(at.Add(project.InvitationLife)),
	}
}

// invitationsByAddress: those that wait are found by their address, newest first, and
// by no other; ended and expired ones are not.
func invitationsByAddress(t *testing.T, db *Database) {
	email := address(newID())
	list := func(email string, now time.Time) (ids []string) {
		found, err := db.ListInvitations(t.Context(), email, now, 100)
		require.NoError(t, err)
		for _, i := range found {
			ids = append(ids, i.GetId())
		}
		return ids
	}
	one, _ := newUserProject(t, db, "n1")
	two, _ := newUserProject(t, db, "n1")
	first, second, third, elsewhere := newID(), newID(), newID(), newID()
	one.commit(t, db, later(1), invited(first, email, later(1)), invited(elsewhere, "x"+email, later(1)))
	two.commit(t, db, later(2), invited(second, email, later(2)))
	one.commit(t, db, later(3), invited(third, email, later(3)))
	require.Equal(t, []string{third, second, first}, list(email, later(4)))
	require.Equal(t, []string{elsewhere}, list("x"+email, later(4)))
	require.Empty(t, list("%", later(4)))
	require.Equal(t, []string{third, second}, list(email, later(1).Add(project.InvitationLife)))
	same(t, one.state, one.claimed(t, db.Projects(), "n1").state)
	one = one.claimed(t, db.Projects(), "n1")
	found, err := db.ListInvitations(t.Context(), email, later(4), 1)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, fmt.Sprint(one.fence.ID, " ", one.state.Name, " Typed.", email), fmt.Sprint(found[0].GetProjectId(), " ", found[0].GetProjectName(), " ", found[0].GetEmail()))
	one.commit(t, db, later(5), &messages.ProjectInvitationDeclined{InvitationId: third})
	require.Equal(t, []string{second, first}, list(email, later(6)))
}

// ownersChange: the rows of a transfer, to a member and to one who is none.
func ownersChange(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	member, stranger := newUser(t, db, "n1"), newUser(t, db, "n1")
	p.commit(t, db, later(1), added(member, project.RoleEditor, owner.fence.ID), &messages.ProjectOwnershipOffered{UserId: member.fence.ID, ExpiresAt: messages.FormatTime(later(60))})
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	p = p.claimed(t, db.Projects(), "n1")
	p.commit(t, db, later(2), &messages.ProjectOwnershipTransferred{OwnerId: member.fence.ID, PreviousOwnerId: owner.fence.ID})
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	p = p.claimed(t, db.Projects(), "n1")
	require.Equal(t, member.state.ID, p.state.Owner)
	require.Len(t, p.state.Members(), 1)
	p.commit(t, db, later(3), &messages.ProjectOwnershipTransferred{OwnerId: stranger.fence.ID, PreviousOwnerId: member.fence.ID})
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	for user, role := range map[*entity[*account.State]]string{stranger: "owner", member: "admin", owner: "admin"} {
		require.Len(t, listProjects(t, db, &messages.ProjectQuery{UserId: user.fence.ID, Role: role, Limit: 5}, nil), 1)
	}
	same(t, p.state, fold(t, db, &project.State{}, messages.ProjectStream(p.fence.ID)))
}
