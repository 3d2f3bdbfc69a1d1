package persistencetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/messages"
)

// Numberer gives committed events their place in the feed.
type Numberer interface {
	Number(ctx context.Context, node string, ttl time.Duration, limit int) (numbered int, leads bool, err error)
}

// number numbers all that can be seen.
func number(t testing.TB, o Numberer, node string) {
	t.Helper()
	for {
		n, _, err := o.Number(t.Context(), node, longTTL, 100)
		require.NoError(t, err)
		if n == 0 {
			return
		}
	}
}

// feedOf reads the feed to its end, some at a time.
func feedOf(t testing.TB, db Engine, user string, after int64) (all []*messages.EventRecord, last int64) {
	t.Helper()
	for {
		page, err := db.ListFeed(t.Context(), &messages.FeedQuery{UserID: user, After: after, Limit: 7})
		require.NoError(t, err)
		if len(page.Items) == 0 {
			require.Equal(t, after, page.Last)
			return all, after
		}
		require.Greater(t, page.Last, after)
		all, after = append(all, page.Items...), page.Last
	}
}

// feedAmidCommits: who follows the feed while others commit, and two nodes number,
// gets every event once, those of each stream in order, and none appears behind
// him.
func feedAmidCommits(t *testing.T, db *Database) {
	const streams, events = 8, 20
	var writers, numberers sync.WaitGroup
	for i := range streams {
		p, _ := newUserProject(t, db, "n1")
		engine := []Engine{db.Engine, db.Peer}[i%2]
		writers.Go(func() {
			for j := range events {
				f := p.fly(later(j), renamed(fmt.Sprint("name ", j)), renamed(fmt.Sprint("again ", j)))
				if r := settle(t, engine, f.commit); r.Err != nil {
					t.Error(r.Err)
					return
				}
				p.land(f)
			}
		})
	}
	written := make(chan struct{})
	for i, o := range []Outbox{db.Outbox, db.PeerOutbox} {
		numberers.Go(func() {
			for last := false; ; { // the lease ends at once: both number, in turns
				select {
				case <-written:
					last = true
				default:
				}
				if n, _, err := o.Number(t.Context(), fmt.Sprint("n", i), shortTTL, 5); err != nil {
					t.Error(err)
					return
				} else if last && n == 0 {
					return
				}
			}
		})
	}
	go func() { writers.Wait(); close(written) }()
	numbered := make(chan struct{})
	go func() { numberers.Wait(); close(numbered) }()
	next, after, total := map[string]int64{}, int64(0), 0
	for last := false; ; {
		select {
		case <-numbered:
			last = true
		default:
		}
		found, end := feedOf(t, db, "", after)
		after = end
		for _, e := range found {
			next[e.GetStream()]++
			require.Equal(t, next[e.GetStream()], e.GetSeq(), "in order in %s", e.GetStream())
		}
		if total += len(found); last {
			break
		}
	}
	number(t, db.Outbox, "n0") // what the two left to each other
	found, _ := feedOf(t, db, "", after)
	require.Equal(t, streams*(1+1+2*events), total+len(found))
}

// feedsOfUsers: each sees what concerns him and the projects that he is in, for as
// long as he is.
func feedsOfUsers(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	member, stranger := newUser(t, db, "n1"), newUser(t, db, "n1")
	other, _ := newUserProject(t, db, "n1")
	number(t, db.Outbox, "n1")
	seen := func(user string) (list []string) {
		all, _ := feedOf(t, db, user, 0)
		for _, e := range all {
			list = append(list, fmt.Sprint(e.GetStream(), " ", e.GetSeq()))
			logged := stream(t, db, e.GetStream())[e.GetSeq()-1]
			require.Equal(t, logged.GetId(), e.GetId())
			require.Equal(t, logged.GetType(), e.GetType())
			require.Equal(t, logged.GetActorId(), e.GetActorId())
			require.Equal(t, logged.GetOccurredAt(), e.GetOccurredAt())
			require.JSONEq(t, string(logged.GetData()), string(e.GetData()))
		}
		return list
	}
	mine := func(e *entity[*project.State], seq int) string {
		return fmt.Sprint(messages.ProjectStream(e.fence.ID), " ", seq)
	}
	self := func(id string) string { return messages.UserStream(id) + " 1" }
	require.ElementsMatch(t, []string{self(owner.fence.ID), mine(p, 1)}, seen(owner.fence.ID))
	require.Equal(t, []string{self(member.fence.ID)}, seen(member.fence.ID))

	p.commit(t, db, later(1), added(member, project.RoleViewer, owner.fence.ID))
	number(t, db.Outbox, "n1")
	require.ElementsMatch(t, []string{self(member.fence.ID), mine(p, 1), mine(p, 2)}, seen(member.fence.ID))
	require.Equal(t, []string{self(stranger.fence.ID)}, seen(stranger.fence.ID))
	p.commit(t, db, later(2), &messages.ProjectCollaboratorRemoved{UserId: member.fence.ID, Role: string(project.RoleViewer)})
	number(t, db.Outbox, "n1")
	require.Equal(t, []string{self(member.fence.ID)}, seen(member.fence.ID))
	require.Len(t, seen(owner.fence.ID), 4)
	require.Contains(t, seen(""), mine(other, 1), "all of it")
	require.LessOrEqual(t, len(seen("nobody")), 0)
}
