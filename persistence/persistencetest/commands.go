package persistencetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
)

// known are the replies that a flight about to refuse these commands would find.
func known(t testing.TB, db Engine, keys ...store.CommandKey) map[store.CommandKey]store.Reply {
	t.Helper()
	c := newProject("n1").fly(start).commit
	c.Lookups = keys
	r := results(t, db, c)[0]
	require.NoError(t, r.Err)
	require.False(t, r.Duplicate, "a lookup is no repetition")
	found := make(map[store.CommandKey]store.Reply)
	for _, reply := range r.Known {
		found[reply.CommandKey] = reply
	}
	return found
}

// kept is a reply as it comes back: when it may go is not part of it.
func kept(r store.Reply) store.Reply {
	r.Expires = time.Time{}
	return r
}

func requireKept(t testing.TB, want store.Reply, r store.Result) {
	t.Helper()
	require.True(t, r.Duplicate)
	require.NoError(t, r.Err)
	require.Len(t, r.Known, 1)
	require.Equal(t, kept(want), kept(r.Known[0]))
}

func commandsRemembered(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	first := p.fly(later(1), renamed("once")).keyed(owner.fence.ID, "k:rename")
	write(t, db, first.commit)
	p.land(first)
	want := first.commit.Replies[0]

	again := p.fly(later(2), renamed("twice")).keyed(owner.fence.ID, "k:rename")
	again.commit.Replies[0].Body, again.commit.Replies[0].Fingerprint = []byte("another"), []byte("another print")
	requireKept(t, want, results(t, db, again.commit)[0])
	elsewhere := newProject("n2")
	requireKept(t, want, results(t, db, elsewhere.fly(later(2), created(elsewhere.fence.ID, owner.fence.ID, "x")).keyed(owner.fence.ID, "k:rename").commit)[0])
	_, err := db.Projects().Claim(t.Context(), elsewhere.fence.ID, "n1")
	require.ErrorIs(t, err, store.ErrNotFound)

	stranger := newUser(t, db, "n1")
	next := p.fly(later(2), renamed("by a stranger")).keyed(stranger.fence.ID, "k:rename")
	write(t, db, next.commit)
	p.land(next)
	next = p.fly(later(3), renamed("by nobody")).keyed("", "k:rename")
	next.commit.Replies[0].Command = "m:" + p.fence.ID
	write(t, db, next.commit)
	p.land(next)
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	stream(t, db, p.stream(p.state))
}

// freshNotTwice: one that claims to be fresh and is not has no effect either.
func freshNotTwice(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	first := p.fly(later(1), renamed("once")).keyed(owner.fence.ID, "m:rename")
	first.commit.Replies[0].Fresh = true
	write(t, db, first.commit)
	p.land(first)
	second := p.fly(later(2), renamed("twice")).keyed(owner.fence.ID, "m:rename")
	second.commit.Replies[0].Fresh = true
	r, err := db.Write(t.Context(), []*store.Commit{second.commit})
	require.True(t, err != nil || r[0].Duplicate, "%v", r)
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	stream(t, db, p.stream(p.state))
}

// unchangedRemembered: a command that changed nothing has a reply too, and a
// reply may be empty or large.
func unchangedRemembered(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	f := p.fly(later(1)).keyed(owner.fence.ID, "k:same")
	f.commit.Replies[0].Body = nil
	f = f.keyed(owner.fence.ID, "k:large")
	f.commit.Replies[1].Body = []byte(strings.Repeat("\x00\xff", 16<<10))
	write(t, db, f.commit)
	found := known(t, db, f.commit.Replies[0].CommandKey, f.commit.Replies[1].CommandKey)
	require.Empty(t, found[f.commit.Replies[0].CommandKey].Body)
	require.Equal(t, f.commit.Replies[1].Body, found[f.commit.Replies[1].CommandKey].Body)
	require.Equal(t, f.commit.Replies[1].Fingerprint, found[f.commit.Replies[1].CommandKey].Fingerprint)

	r := results(t, db, p.fly(later(2)).keyed(owner.fence.ID, "k:large").commit)[0]
	require.True(t, r.Duplicate, "a repetition that changes nothing either")
	stale := p.copy()
	stale.fence.Version++
	fenced(t, results(t, db, stale.fly(later(2)).keyed(owner.fence.ID, "k:new").commit)[0])
	require.Empty(t, known(t, db, store.CommandKey{Principal: owner.fence.ID, Command: "k:new"}))
}

func lookups(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	key := func(command string) store.CommandKey {
		return store.CommandKey{Principal: owner.fence.ID, Command: command}
	}
	first := p.fly(later(1), renamed("a"), renamed("b")).keyed(owner.fence.ID, "k:1").keyed(owner.fence.ID, "k:2")
	write(t, db, first.commit)
	p.land(first)
	found := known(t, db, key("k:1"), key("k:2"), key("k:3"), store.CommandKey{Principal: newID(), Command: "k:1"})
	require.Len(t, found, 2)
	require.Equal(t, kept(first.commit.Replies[1]), kept(found[key("k:2")]))

	// A lookup does not stand in the way of what its flight writes.
	user := newUser(t, db, "n1")
	f := p.fly(later(2), added(user, project.RoleViewer, owner.fence.ID)).keyed(owner.fence.ID, "k:4")
	f.commit.Lookups = []store.CommandKey{key("k:1"), key("k:5")}
	r := results(t, db, f.commit)[0]
	require.NoError(t, r.Err)
	require.False(t, r.Duplicate)
	require.Len(t, r.Known, 1)
	require.Equal(t, key("k:1"), r.Known[0].CommandKey)
	p.land(f)
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)

	// Both at once: the flight is a repetition, and the other answer comes along.
	f = p.fly(later(3), renamed("c")).keyed(owner.fence.ID, "k:4")
	f.commit.Lookups = []store.CommandKey{key("k:2")}
	r = results(t, db, f.commit)[0]
	require.True(t, r.Duplicate)
	require.Len(t, r.Known, 2)
}

// expiredCommands: a command whose time is over was never carried out, though
// nobody has swept it away.
func expiredCommands(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	first := p.fly(later(1), renamed("once")).keyed(owner.fence.ID, "k:old")
	first.commit.Replies[0].Expires = start // long ago
	write(t, db, first.commit)
	p.land(first)
	key := first.commit.Replies[0].CommandKey
	require.Empty(t, known(t, db, key))

	stale := p.copy()
	stale.fence.Version--
	fenced(t, results(t, db, stale.fly(later(2)).keyed(owner.fence.ID, "k:old").commit)[0])
	again := p.fly(later(2), renamed("again")).keyed(owner.fence.ID, "k:old")
	again.commit.Replies[0].Body, again.commit.Replies[0].Fingerprint = []byte{}, []byte("another print")
	write(t, db, again.commit)
	p.land(again)
	require.Equal(t, kept(again.commit.Replies[0]), kept(known(t, db, key)[key]))
	requireKept(t, again.commit.Replies[0], results(t, db, p.fly(later(3), renamed("third")).keyed(owner.fence.ID, "k:old").commit)[0])
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)

	for range rounds {
		p, owner := newUserProject(t, db, "n1")
		old := p.fly(later(1)).keyed(owner.fence.ID, "k:old")
		old.commit.Replies[0].Expires = start
		write(t, db, old.commit)
		var commits []*store.Commit
		for range 4 {
			fresh := newProject("n1")
			commits = append(commits, fresh.fly(later(2), created(fresh.fence.ID, owner.fence.ID, "x")).keyed(owner.fence.ID, "k:old").commit)
		}
		winner(t, race(t, db, commits...), func(r store.Result) bool { return r.Duplicate })
	}
}

// commandMeanwhile: another transaction is about to have carried out a command
// when a commit with the same arrives. The commit waits; then it was the second.
func commandMeanwhile(t *testing.T, db *Database) {
	for _, happened := range []bool{true, false} {
		p, owner := newUserProject(t, db, "n1")
		key := store.CommandKey{Principal: owner.fence.ID, Command: "k:held"}
		held := db.Hold(t, key)
		f := p.fly(later(1), renamed("meanwhile")).keyed(key.Principal, key.Command)
		written := make(chan store.Result, 1)
		go func() { written <- settle(t, db, f.commit) }()
		held.Waiting(1)
		held.End(happened)
		r := <-written
		require.NoError(t, r.Err)
		require.Equal(t, happened, r.Duplicate)
		if happened {
			require.Equal(t, key, r.Known[0].CommandKey)
		} else {
			p.land(f)
		}
		same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	}
}
