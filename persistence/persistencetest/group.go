package persistencetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// crowd is a commit of every kind, all of which must be applied.
type crowd struct {
	owner   *entity[*account.State]
	p       *entity[*project.State]
	session *messages.SessionOpened
	commits []*store.Commit
	verify  func(t testing.TB, db Engine)
}

// newCrowd makes commits that create and change accounts, sessions and projects.
func newCrowd(t testing.TB, db Engine) *crowd {
	p, owner := newUserProject(t, db, "n1")
	gone, _ := newUserProject(t, db, "n1")
	member := newUser(t, db, "n1")
	session := opened(owner, later(1))
	owner.commit(t, db, later(1), session)
	s := openedSession("n1", owner, session, later(1))

	another, user := newProject("n1"), newAccount("n1")
	fUser := user.fly(later(2), registered(user.fence.ID, address(user.fence.ID)))
	fMember := member.fly(later(2), nameChanged(member, "Renamed"), opened(member, later(2)))
	fSession := s.fly(later(2), refreshed(1))
	fAnother := another.fly(later(2), created(another.fence.ID, owner.fence.ID, "Another"), added(member, project.RoleViewer, owner.fence.ID))
	fProject := p.fly(later(2), renamed("Renamed"), added(member, project.RoleEditor, owner.fence.ID)).keyed(owner.fence.ID, "k:"+newID())
	fGone := gone.fly(later(2), &messages.ProjectDeleted{ProjectId: gone.fence.ID})
	return &crowd{
		owner: owner, p: p, session: session,
		commits: []*store.Commit{
			fUser.commit, fMember.commit, fSession.commit, fAnother.commit, fProject.commit, fGone.commit, owner.fly(later(2)).commit,
		},
		verify: func(t testing.TB, db Engine) {
			t.Helper()
			same(t, fUser.after, user.claimed(t, db.Accounts(), "n1").state)
			same(t, fMember.after, member.claimed(t, db.Accounts(), "n1").state)
			same(t, fSession.after, s.claimed(t, db.Sessions(), "n1").state)
			same(t, fAnother.after, another.claimed(t, db.Projects(), "n1").state)
			same(t, fProject.after, p.claimed(t, db.Projects(), "n1").state)
			_, err := db.Projects().Claim(t.Context(), gone.fence.ID, "n1")
			require.ErrorIs(t, err, store.ErrNotFound)
		},
	}
}

// bad is a commit and how it must end.
type bad struct {
	why    string
	commit *store.Commit
	ends   func(t testing.TB, r store.Result)
}

func refusedWith(code string) func(t testing.TB, r store.Result) {
	return func(t testing.TB, r store.Result) {
		t.Helper()
		require.True(t, messages.HasCode(r.Err, code), "%v", r.Err)
		require.False(t, r.Duplicate)
	}
}

func repeated(t testing.TB, r store.Result) {
	t.Helper()
	require.True(t, r.Duplicate)
	require.NotEmpty(t, r.Known)
}

// badCommits are commits that can be expected and must not be applied.
func badCommits(t testing.TB, db Engine) []bad {
	owner, user := newUser(t, db, "n1"), newUser(t, db, "n1")
	nobody := newAccount("n1")
	var list []bad
	add := func(why string, ends func(t testing.TB, r store.Result), c *store.Commit) {
		list = append(list, bad{why, c, ends})
	}
	orphan, odd := newProject("n1"), newProject("n1")
	add("unknown owner", refusedWith(messages.CodeNotFound), orphan.fly(later(3), created(orphan.fence.ID, nobody.fence.ID, "x")).commit)
	add("owner that is no id", refusedWith(messages.CodeNotFound), odd.fly(later(3), created(odd.fence.ID, "nobody", "x")).commit)

	one, _ := newUserProject(t, db, "n1")
	add("unknown member beside a known one", refusedWith(messages.CodeNotFound), one.fly(later(3), renamed("x"),
		added(user, project.RoleViewer, owner.fence.ID), added(nobody, project.RoleViewer, owner.fence.ID)).commit)
	nobody = nobody.copy()
	nobody.fence.ID = "nobody"
	two, _ := newUserProject(t, db, "n1")
	add("member that is no id", refusedWith(messages.CodeNotFound), two.fly(later(3), added(nobody, project.RoleViewer, owner.fence.ID)).commit)

	taken := newAccount("n1")
	add("taken address", refusedWith(messages.CodeEmailTaken), taken.fly(later(3), registered(taken.fence.ID, address(user.fence.ID))).commit)

	stale, _ := newUserProject(t, db, "n1")
	stale.claimed(t, db.Projects(), "n2")
	add("fenced project", fenced, stale.fly(later(3), renamed("x")).commit)
	add("fenced deletion", fenced, stale.copy().fly(later(3), &messages.ProjectDeleted{ProjectId: stale.fence.ID}).commit)
	staleUser := newUser(t, db, "n1")
	staleUser.claimed(t, db.Accounts(), "n2")
	add("fenced account", fenced, staleUser.fly(later(3), opened(staleUser, later(3))).commit)
	// Who has lost the row is told that, whatever else speaks against the commit.
	lost, _ := newUserProject(t, db, "n1")
	lost.claimed(t, db.Projects(), "n2")
	add("fenced addition of an unknown member", fenced, lost.fly(later(3), added(nobody, project.RoleViewer, owner.fence.ID)).commit)
	here, _ := newUserProject(t, db, "n1")
	here.fence.Epoch, here.fence.Version, here.state = 0, 0, newProject("n1").state
	add("fenced creation for an unknown owner", fenced, here.fly(later(3), created(here.fence.ID, "nobody", "x")).commit)
	twin := newAccount("n1")
	twin.fence.ID = newUser(t, db, "n1").fence.ID
	add("fenced registration of a taken address", fenced, twin.fly(later(3), registered(twin.fence.ID, address(user.fence.ID))).commit)
	missing := newProject("n1")
	missing.fence.Epoch = 7
	missing.state = one.state.Clone()
	add("project that is gone", fenced, missing.fly(later(3), renamed("x")).commit)

	done, _ := newUserProject(t, db, "n1")
	f := done.fly(later(1), renamed("once")).keyed(owner.fence.ID, "k:once")
	write(t, db, f.commit)
	done.land(f)
	add("repeated command", repeated, done.fly(later(3), renamed("twice")).keyed(owner.fence.ID, "k:once").commit)
	return list
}

// badMembers: whatever is wrong with some commits of a group, the others are
// applied, and of those nothing is.
func badMembers(t *testing.T, db *Database) {
	bads := badCommits(t, db)
	for i := range bads {
		t.Run(bads[i].why, func(t *testing.T) {
			good := newCrowd(t, db)
			for j, r := range results(t, db, append(good.commits[:len(good.commits):len(good.commits)], bads[i].commit)...) {
				if j == len(good.commits) {
					bads[i].ends(t, r)
					continue
				}
				require.NoError(t, r.Err)
			}
			good.verify(t, db)
			nothingOf(t, db, bads[i].commit)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		good, bads := newCrowd(t, db), badCommits(t, db)
		var group []*store.Commit
		for i := range max(len(bads), len(good.commits)) {
			if i < len(bads) {
				group = append(group, bads[i].commit)
			}
			if i < len(good.commits) {
				group = append(group, good.commits[i])
			}
		}
		ends := make(map[*store.Commit]bad)
		for _, b := range bads {
			ends[b.commit] = b
		}
		for i, r := range results(t, db, group...) {
			if b, bad := ends[group[i]]; bad {
				b.ends(t, r)
				nothingOf(t, db, b.commit)
				continue
			}
			require.NoError(t, r.Err)
		}
		good.verify(t, db)
	})
}

// nothingOf asks the log: a commit that was not applied left no event.
func nothingOf(t testing.TB, db Engine, c *store.Commit) {
	t.Helper()
	for _, record := range stream(t, db, c.Stream) {
		for _, e := range c.Events {
			require.NotEqual(t, e.ID, record.GetId())
		}
	}
}

// unforeseenMember: a value that an engine may not be able to store fails the
// group for certain, or is stored; one by one the others are applied.
func unforeseenMember(t *testing.T, db *Database) {
	good := newCrowd(t, db)
	p, _ := newUserProject(t, db, "n1")
	strange := p.fly(later(2), renamed("a\x00b")).commit
	group := append(good.commits[:3:3], strange)
	group = append(group, good.commits[3:]...)
	_, err := db.Write(t.Context(), group)
	if err != nil {
		require.ErrorIs(t, err, store.ErrRolledBack)
		require.False(t, errors.Is(err, store.ErrUnavailable))
		for _, c := range group {
			if c != strange {
				write(t, db, c)
			}
		}
	}
	good.verify(t, db)
}

func emailTwice(t *testing.T, db *Database) {
	for range 4 {
		one, two, three := newAccount("n1"), newAccount("n1"), newAccount("n1")
		at := address(one.fence.ID)
		f := two.fly(later(1), registered(two.fence.ID, at))
		rs := results(t, db, f.commit, one.fly(later(1), registered(one.fence.ID, at)).commit, three.fly(later(1), registered(three.fence.ID, at)).commit)
		require.NoError(t, rs[0].Err, "the first of the group wins")
		refusedWith(messages.CodeEmailTaken)(t, rs[1])
		refusedWith(messages.CodeEmailTaken)(t, rs[2])
		same(t, f.after, two.claimed(t, db.Accounts(), "n1").state)
		for _, e := range []*entity[*account.State]{one, three} {
			_, err := db.Accounts().Claim(t.Context(), e.fence.ID, "n1")
			require.ErrorIs(t, err, store.ErrNotFound)
			require.Empty(t, stream(t, db, messages.UserStream(e.fence.ID)))
		}
	}
}

// rowTwice: an activation that was given up and its successor may meet in one
// group. In the order of the group, the second is fenced or goes on.
func rowTwice(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	first := p.fly(later(1), renamed("first"))
	rs := results(t, db, first.commit, p.fly(later(1), renamed("second")).commit)
	require.NoError(t, rs[0].Err)
	fenced(t, rs[1])
	p.land(first)

	next := p.fly(later(2), renamed("third"))
	before := p.copy()
	p.land(next)
	last := p.fly(later(3), renamed("fourth"))
	write(t, db, next.commit, last.commit, owner.fly(later(3)).commit)
	p.land(last)
	require.Equal(t, int64(2), before.state.Version)
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	stream(t, db, p.stream(p.state))
}

func commandTwice(t *testing.T, db *Database) {
	owner := newUser(t, db, "n1")
	one, two := newProject("n1"), newProject("n1")
	key := "k:" + newID()
	f := two.fly(later(1), created(two.fence.ID, owner.fence.ID, "first")).keyed(owner.fence.ID, key)
	g := one.fly(later(1), created(one.fence.ID, owner.fence.ID, "second")).keyed(owner.fence.ID, key)
	g.commit.Replies[0].Body = []byte("second")
	rs := results(t, db, f.commit, g.commit)
	require.NoError(t, rs[0].Err)
	require.False(t, rs[0].Duplicate)
	requireKept(t, f.commit.Replies[0], rs[1])
	same(t, f.after, two.claimed(t, db.Projects(), "n1").state)
	_, err := db.Projects().Claim(t.Context(), one.fence.ID, "n1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func groupSizes(t *testing.T, db *Database) {
	for _, size := range []int{1, 64, 256} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var crowds []*crowd
			var group []*store.Commit
			for len(group) < size {
				c := newCrowd(t, db)
				crowds, group = append(crowds, c), append(group, c.commits...)
			}
			cut := group[:size]
			write(t, db, cut...)
			if rest := group[size:]; len(rest) > 0 {
				write(t, db, rest...)
			}
			for _, c := range crowds {
				c.verify(t, db)
			}
		})
	}
	rs, err := db.Write(t.Context(), nil)
	require.NoError(t, err, "an empty group")
	require.Empty(t, rs)
}
