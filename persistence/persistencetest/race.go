package persistencetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

const rounds = 20

// race writes commits at the same time, by turns through both nodes, and
// returns how they ended.
func race(t testing.TB, db *Database, commits ...*store.Commit) []store.Result {
	ends := make([]store.Result, len(commits))
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i, c := range commits {
		node := db.Engine
		if i%2 == 1 {
			node = db.Peer
		}
		all.Go(func() {
			<-begin
			ends[i] = settle(t, node, c)
		})
	}
	close(begin)
	all.Wait()
	return ends
}

// winner finds the one commit that was applied and checks how the others ended.
func winner(t testing.TB, ends []store.Result, loses func(r store.Result) bool) int {
	t.Helper()
	won := -1
	for i, r := range ends {
		switch {
		case r.Err == nil && !r.Duplicate:
			require.Negative(t, won, "two were applied")
			won = i
		default:
			require.True(t, loses(r), "%+v", r)
		}
	}
	require.GreaterOrEqual(t, won, 0, "none was applied")
	return won
}

func isFenced(r store.Result) bool { return errors.Is(r.Err, store.ErrFenced) }

func oneWinner(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	user := newUser(t, db, "n1")
	for i := range rounds {
		var flights []flight[*project.State]
		var commits []*store.Commit
		for j := range 4 {
			f := p.fly(later(i), renamed(fmt.Sprint(i, j)), added(user, project.RoleViewer, owner.fence.ID))
			if _, in := p.state.Member(user.state.ID); in {
				f = p.fly(later(i), renamed(fmt.Sprint(i, j)), &messages.ProjectCollaboratorRemoved{UserId: user.fence.ID, Role: string(project.RoleViewer)})
			}
			flights, commits = append(flights, f), append(commits, f.commit)
		}
		p.land(flights[winner(t, race(t, db, commits...), isFenced)])
		same(t, p.state, p.copyOf(t, db))
	}
	require.Len(t, stream(t, db, p.stream(p.state)), 1+2*rounds)
}

// copyOf is the state that is stored, claimed without a word to the holder: the
// fence moves on with it.
func (e *entity[S]) copyOf(t testing.TB, db *Database) S {
	t.Helper()
	var c store.Claimed[S]
	var err error
	switch from := any(&c).(type) {
	case *store.Claimed[*project.State]:
		*from, err = db.Projects().Claim(t.Context(), e.fence.ID, e.node)
	case *store.Claimed[*account.State]:
		*from, err = db.Accounts().Claim(t.Context(), e.fence.ID, e.node)
	}
	require.NoError(t, err)
	e.fence = c.Fence
	return c.State
}

func oneCreation(t *testing.T, db *Database) {
	owner := newUser(t, db, "n1")
	for range rounds {
		p := newProject("n1")
		one := p.fly(later(1), created(p.fence.ID, owner.fence.ID, "one"))
		two := p.fly(later(1), created(p.fence.ID, owner.fence.ID, "two"))
		won := winner(t, race(t, db, one.commit, two.commit), isFenced)
		same(t, []flight[*project.State]{one, two}[won].after, p.copyOf(t, db))
		require.Len(t, stream(t, db, p.stream(one.after)), 1)
	}
}

func oneAddress(t *testing.T, db *Database) {
	for range rounds {
		one, two := newAccount("n1"), newAccount("n2")
		at := address(one.fence.ID)
		ends := race(t, db, one.fly(later(1), registered(one.fence.ID, at)).commit, two.fly(later(1), registered(two.fence.ID, at)).commit)
		won := winner(t, ends, func(r store.Result) bool { return messages.HasCode(r.Err, messages.CodeEmailTaken) })
		found, err := db.FindCredential(t.Context(), at)
		require.NoError(t, err)
		require.Equal(t, []string{one.fence.ID, two.fence.ID}[won], found.GetUserId())
	}
}

// oneEffect sends one command to both nodes, which each mint an id for it, and
// one that changes a project which both have claimed.
func oneEffect(t *testing.T, db *Database) {
	for range rounds {
		p, owner := newUserProject(t, db, "n1")
		var commits []*store.Commit
		key := "k:" + newID()
		for i := range 6 {
			fresh := newProject(fmt.Sprint("n", i))
			f := fresh.fly(later(1), created(fresh.fence.ID, owner.fence.ID, fmt.Sprint("effect ", i))).keyed(owner.fence.ID, key)
			if i == 5 {
				f = p.fly(later(1), renamed("effect 5")).keyed(owner.fence.ID, key)
			}
			f.commit.Replies[0].Body = []byte(fmt.Sprint("reply ", i))
			commits = append(commits, f.commit)
		}
		ends := race(t, db, commits...)
		won := winner(t, ends, func(r store.Result) bool { return r.Duplicate })
		for i, r := range ends {
			if i != won {
				requireKept(t, commits[won].Replies[0], r)
			}
		}
		effects := 0
		for _, c := range commits {
			for _, record := range stream(t, db, c.Stream) {
				if record.GetId() == c.Events[0].ID {
					effects++
				}
			}
		}
		require.Equal(t, 1, effects)
	}
}

// contendedStreams: both nodes claim and write the same rows in one go, in
// groups. Whoever wins, the log has no gap and every version one event.
func contendedStreams(t *testing.T, db *Database) {
	var projects []*entity[*project.State]
	for range 6 {
		p, _ := newUserProject(t, db, "n1")
		projects = append(projects, p)
	}
	var nodes sync.WaitGroup
	for i, engine := range []Engine{db.Engine, db.Peer} {
		nodes.Go(func() {
			for round := range rounds {
				var group []*store.Commit
				for k := range projects {
					p := projects[(k+i*round)%len(projects)]
					c, err := engine.Projects().Claim(t.Context(), p.fence.ID, fmt.Sprint("n", i+1))
					if err != nil {
						t.Error(err)
						return
					}
					mine := &entity[*project.State]{node: "n", fence: c.Fence, state: c.State, stream: p.stream, changes: p.changes}
					group = append(group, mine.fly(later(round), renamed(fmt.Sprint(i, round))).commit)
				}
				if _, err := engine.Write(t.Context(), group); err != nil && !errors.Is(err, store.ErrRolledBack) {
					t.Error(err)
				}
			}
		})
	}
	nodes.Wait()
	for _, p := range projects {
		state := p.copyOf(t, db)
		records := stream(t, db, p.stream(p.state))
		require.Equal(t, state.Seq, int64(len(records)))
		for _, record := range records {
			require.Equal(t, record.GetSeq(), record.GetVersion())
		}
	}
}

// crossedSessions: two groups each end sessions that the other one refreshes.
// Neither can fail for it.
func crossedSessions(t *testing.T, db *Database) {
	for range rounds {
		var groups [2][]*store.Commit
		for i := range 16 {
			user := newUser(t, db, "n1")
			session := opened(user, later(1))
			user.commit(t, db, later(1), session)
			live := openedSession("n1", user, session, later(1))
			groups[i%2] = append(groups[i%2], user.fly(later(2), ended(session)).commit)
			groups[1-i%2] = append(groups[1-i%2], live.fly(later(2), refreshed(1)).commit)
		}
		var both sync.WaitGroup
		for i, node := range []Engine{db.Engine, db.Peer} {
			both.Go(func() {
				ends, err := node.Write(t.Context(), groups[i])
				if err != nil {
					t.Error(err)
					return
				}
				for j, r := range ends {
					if refresh := groups[i][j].Kind == store.Session; r.Err != nil && !(refresh && isFenced(r)) {
						t.Error(r.Err)
					}
				}
			})
		}
		both.Wait()
	}
}
