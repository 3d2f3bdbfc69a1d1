package persistencetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
)

func fenced(t testing.TB, r store.Result) {
	t.Helper()
	require.ErrorIs(t, r.Err, store.ErrFenced)
	require.False(t, r.Duplicate)
}

func staleEpoch(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	user.commit(t, db, later(1), opened(user, later(1)))
	p.claimed(t, db.Projects(), "n2")
	user.claimed(t, db.Accounts(), "n2")
	for _, c := range []*store.Commit{
		p.fly(later(2), renamed("too late")).commit,
		user.fly(later(2), nameChanged(user, "Too Late")).commit,
		user.fly(later(2), opened(user, later(2))).commit,
	} {
		fenced(t, results(t, db, c)[0])
	}
	same(t, p.state, p.claimed(t, db.Projects(), "n2").state)
	same(t, user.state, user.claimed(t, db.Accounts(), "n2").state)
}

func staleVersion(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	stale, staleUser := p.copy(), user.copy()
	p.commit(t, db, later(1), renamed("first"))
	user.commit(t, db, later(1), nameChanged(user, "First"))
	fenced(t, results(t, db, stale.fly(later(2), renamed("second")).commit)[0])
	fenced(t, results(t, db, staleUser.fly(later(2), nameChanged(user, "Second")).commit)[0])
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	same(t, user.state, user.claimed(t, db.Accounts(), "n1").state)
}

func creationOfExisting(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	again := newProject("n2")
	again.fence.ID = p.fence.ID
	fenced(t, results(t, db, again.fly(later(1), created(p.fence.ID, owner.fence.ID, "Another")).commit)[0])
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)

	user := newAccount("n2")
	user.fence.ID = owner.fence.ID
	fenced(t, results(t, db, user.fly(later(1), registered(user.fence.ID, address(newID()))).commit)[0])
	same(t, owner.state, owner.claimed(t, db.Accounts(), "n1").state)
}

// fencedLeavesNothing: no table of any kind shows a trace of a fenced commit.
func fencedLeavesNothing(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	stale, staleUser := p.copy(), user.copy()
	p.commit(t, db, later(1), renamed("first"))
	user.commit(t, db, later(1), nameChanged(user, "First"))
	session := opened(user, later(2))
	key := owner.fence.ID
	group := []*store.Commit{
		stale.fly(later(2), added(user, project.RoleAdmin, key)).keyed(key, "k:member").commit,
		staleUser.fly(later(2), session).keyed(key, "k:session").commit,
	}
	for _, r := range results(t, db, group...) {
		fenced(t, r)
	}
	require.Empty(t, p.claimed(t, db.Projects(), "n1").state.Members())
	require.Empty(t, user.claimed(t, db.Accounts(), "n1").state.Sessions)
	_, err := db.Sessions().Claim(t.Context(), session.GetSessionId(), "n1")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Len(t, stream(t, db, p.stream(p.state)), 2)
	require.Len(t, stream(t, db, user.stream(user.state)), 2)
	require.Empty(t, known(t, db, store.CommandKey{Principal: key, Command: "k:member"}, store.CommandKey{Principal: key, Command: "k:session"}))
}

// checksReadTheFence: commits without a change ask whether the fence still
// holds, and write nothing.
func checksReadTheFence(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	session := opened(user, later(1))
	user.commit(t, db, later(1), session)
	s := openedSession("n1", user, session, later(1))
	write(t, db, p.fly(later(2)).commit, user.fly(later(2)).commit, s.fly(later(2)).commit)
	write(t, db, newProject("n1").fly(later(2)).commit, newAccount("n1").fly(later(2)).commit)

	stale, staleUser, staleSession := p.copy(), user.copy(), s.copy()
	p.claimed(t, db.Projects(), "n2")
	user.claimed(t, db.Accounts(), "n2")
	s.commit(t, db, later(2), refreshed(1))
	nothing := newProject("n1")
	nothing.fence.Epoch, nothing.fence.Version = 1, 1
	existing := newProject("n1")
	existing.fence.ID = p.fence.ID
	for i, r := range results(t, db, stale.fly(later(3)).commit, staleUser.fly(later(3)).commit, staleSession.fly(later(3)).commit,
		nothing.fly(later(3)).commit, existing.fly(later(3)).commit) {
		require.ErrorIs(t, r.Err, store.ErrFenced, "check %d", i)
	}
}

// endedSessionsAreFenced: the account's commit that ends a session takes the row
// from its live entity.
func endedSessionsAreFenced(t *testing.T, db *Database) {
	user := newUser(t, db, "n1")
	session, other := opened(user, later(1)), opened(user, later(1))
	user.commit(t, db, later(1), session, other)
	live, untouched := openedSession("n1", user, session, later(1)), openedSession("n1", user, other, later(1))
	live.commit(t, db, later(2), refreshed(1))
	user.commit(t, db, later(3), ended(session))

	fenced(t, results(t, db, live.fly(later(4), refreshed(2)).commit)[0])
	fenced(t, results(t, db, live.fly(later(4)).commit)[0])
	untouched.commit(t, db, later(4), refreshed(1))
	after := live.claimed(t, db.Sessions(), "n1").state
	require.Equal(t, later(3), after.EndedAt)
	require.Equal(t, ended(session).GetReason(), after.EndReason)
	require.Equal(t, uint32(1), after.Generation)
}
