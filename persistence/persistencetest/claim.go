package persistencetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

func claimLoads(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	p.commit(t, db, later(1), added(user, project.RoleEditor, owner.fence.ID))
	session := opened(user, later(2))
	user.commit(t, db, later(2), session)
	s := openedSession("n1", user, session, later(2))

	claimedProject := p.claimed(t, db.Projects(), "n2")
	same(t, p.state, claimedProject.state)
	require.Equal(t, store.Fence{Kind: store.Project, ID: p.fence.ID, Epoch: 2, Version: 2}, claimedProject.fence)
	claimedUser := user.claimed(t, db.Accounts(), "n2")
	same(t, user.state, claimedUser.state)
	require.Equal(t, store.Fence{Kind: store.Account, ID: user.fence.ID, Epoch: 2, Version: 1}, claimedUser.fence, "sessions are no part of the version")
	claimedSession := s.claimed(t, db.Sessions(), "n2")
	same(t, s.state, claimedSession.state)
	require.Equal(t, store.Fence{Kind: store.Session, ID: s.fence.ID, Epoch: 2, Version: 1}, claimedSession.fence)
}

func claimOfNothing(t *testing.T, db *Database) {
	for _, id := range []string{newID(), "", "nobody", "00000000-0000-0000-0000-00000000000G"} {
		_, err := db.Projects().Claim(t.Context(), id, "n1")
		require.ErrorIs(t, err, store.ErrNotFound, "project %q", id)
		_, err = db.Accounts().Claim(t.Context(), id, "n1")
		require.ErrorIs(t, err, store.ErrNotFound, "account %q", id)
		_, err = db.Sessions().Claim(t.Context(), id, "n1")
		require.ErrorIs(t, err, store.ErrNotFound, "session %q", id)
	}
}

func claimRaisesEpoch(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n1")
	for i, node := range []string{"n1", "n1", "n2", "n1"} {
		require.Equal(t, int64(i+2), p.claimed(t, db.Projects(), node).fence.Epoch)
	}
}

// releaseLeavesTheFence: a row without an owner is still written by who has its
// fence. Whose release it was, properties with leases tell.
func releaseLeavesTheFence(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	session := opened(user, later(1))
	user.commit(t, db, later(1), session)
	s := openedSession("n1", user, session, later(1))
	for range 2 {
		require.NoError(t, db.Projects().Release(t.Context(), p.fence.ID, "n1"))
		require.NoError(t, db.Accounts().Release(t.Context(), user.fence.ID, "n1"))
		require.NoError(t, db.Sessions().Release(t.Context(), s.fence.ID, "n1"))
	}
	p.commit(t, db, later(2), renamed("still written"))
	user.commit(t, db, later(2), nameChanged(user, "Still Written"))
	s.commit(t, db, later(2), refreshed(1))
	require.Equal(t, p.fence.Epoch+1, p.claimed(t, db.Projects(), "n2").fence.Epoch)
	for _, id := range []string{newID(), "", "nobody", owner.fence.ID} {
		require.NoError(t, db.Projects().Release(t.Context(), id, "n1"), "there is no project %q, and that is no error", id)
	}
}

// claimsAmidCommits lets two nodes take one project and one account from each
// other while both write. Every claim must see rows of one commit: as many
// members as the version says, as many sessions as the log has events.
func claimsAmidCommits(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	require.NoError(t, db.Projects().Release(t.Context(), p.fence.ID, "n1"))
	var users []*entity[*account.State]
	for range 8 {
		users = append(users, newUser(t, db, "n1"))
	}
	account := newUser(t, db, "n1")
	var nodes sync.WaitGroup
	for i, engine := range []Engine{db.Engine, db.Peer} {
		node := fmt.Sprintf("n%d", i+1)
		nodes.Go(func() { fightForProject(t, engine, node, p, users, owner.fence.ID) })
		nodes.Go(func() { fightForAccount(t, engine, node, account) })
	}
	nodes.Wait()
}

const fights = 40

// fightForProject claims, checks and writes. A member is put by every odd
// version and taken out by every even one.
func fightForProject(t *testing.T, db Engine, node string, p *entity[*project.State], users []*entity[*account.State], owner string) {
	for i := range fights {
		c, err := db.Projects().Claim(t.Context(), p.fence.ID, node)
		if !assert.NoError(t, err) {
			return
		}
		mine := &entity[*project.State]{node: node, fence: c.Fence, state: c.State, stream: p.stream, changes: p.changes}
		members := c.State.Members()
		assert.Len(t, members, int(c.State.Version+1)%2, "members at version %d", c.State.Version)
		var change messages.Event
		if len(members) > 0 {
			change = &messages.ProjectCollaboratorRemoved{UserId: string(members[0].User), Role: string(members[0].Role)}
		} else {
			change = added(users[i%len(users)], project.RoleEditor, owner)
		}
		endOfFight(t, settle(t, db, mine.fly(later(i), change).commit))
	}
}

// fightForAccount opens sessions: the version stays, seq counts them.
func fightForAccount(t *testing.T, db Engine, node string, of *entity[*account.State]) {
	for i := range fights {
		c, err := db.Accounts().Claim(t.Context(), of.fence.ID, node)
		if !assert.NoError(t, err) {
			return
		}
		mine := &entity[*account.State]{node: node, fence: c.Fence, state: c.State, stream: of.stream, changes: of.changes}
		assert.Len(t, c.State.Sessions, int(c.State.Seq-1), "open sessions at position %d", c.State.Seq)
		endOfFight(t, settle(t, db, mine.fly(later(i), opened(of, later(i))).commit))
	}
}

func endOfFight(t *testing.T, r store.Result) {
	if r.Err != nil && !errors.Is(r.Err, store.ErrFenced) {
		t.Error(r.Err)
	}
}

// claimWhileCommitHolds takes rows of which a commit in flight has written the
// first table and not yet shown any. The claim waits, and must then see all.
func claimWhileCommitHolds(t *testing.T, db *Database) {
	claimAmid(t, db, false, func(t *testing.T, p, claimed *entity[*project.State], user, claimedUser *entity[*account.State], landed bool) {
		require.True(t, landed)
		require.Len(t, claimed.state.Members(), 1, "members at version %d", claimed.state.Version)
		same(t, p.state, claimed.state)
		require.Len(t, claimedUser.state.Sessions, 1, "sessions at position %d", claimedUser.state.Seq)
		same(t, user.state, claimedUser.state)
	})
}

// claimWhileCommitFails is the same with a commit that comes to nothing.
func claimWhileCommitFails(t *testing.T, db *Database) {
	claimAmid(t, db, true, func(t *testing.T, p, claimed *entity[*project.State], user, claimedUser *entity[*account.State], landed bool) {
		require.False(t, landed)
		same(t, p.state, claimed.state)
		same(t, user.state, claimedUser.state)
	})
}

func claimAmid(t *testing.T, db *Database, fails bool, check func(t *testing.T, p, claimed *entity[*project.State], user, claimedUser *entity[*account.State], landed bool)) {
	p, owner := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	key := store.CommandKey{Principal: owner.fence.ID, Command: "k:held"}
	held := db.Hold(t, key)
	inFlight := p.fly(later(1), added(user, project.RoleEditor, owner.fence.ID))
	inFlightToo := user.fly(later(1), opened(user, later(1)))
	// One statement of the group holds the account's row, the next waits.
	group := []*store.Commit{inFlightToo.commit, inFlight.keyed(key.Principal, key.Command).commit}

	written := make(chan []store.Result, 1)
	go func() {
		results, err := db.Write(t.Context(), group)
		if err != nil {
			assert.ErrorIs(t, err, store.ErrRolledBack)
			results = []store.Result{{Err: err}, {Err: err}}
		}
		written <- results
	}()
	held.Waiting(1)
	var claims sync.WaitGroup
	var claimed store.Claimed[*project.State]
	var claimedUser store.Claimed[*account.State]
	var err, userErr error
	claims.Go(func() { claimed, err = db.Peer.Projects().Claim(t.Context(), p.fence.ID, "n2") })
	claims.Go(func() { claimedUser, userErr = db.Peer.Accounts().Claim(t.Context(), user.fence.ID, "n2") })
	held.Waiting(3)
	held.End(fails)
	claims.Wait()
	require.NoError(t, err)
	require.NoError(t, userErr)
	results := <-written
	applied := func(r store.Result) bool { return r.Err == nil && !r.Duplicate }
	if applied(results[0]) { // perhaps without the other, and then before the claim
		user.land(inFlightToo)
	}
	if applied(results[1]) {
		p.land(inFlight)
	}
	check(t, p, &entity[*project.State]{fence: claimed.Fence, state: claimed.State},
		user, &entity[*account.State]{fence: claimedUser.Fence, state: claimedUser.State}, applied(results[1]))
}
