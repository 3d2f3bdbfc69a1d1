package persistencetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

const (
	longTTL  = time.Hour
	shortTTL = time.Millisecond // over before anyone looks
)

// join makes a node with a lease, exclusive where that is granted.
func join(t testing.TB, db *Database, node string, ttl time.Duration) (incarnation int64, exclusive bool) {
	t.Helper()
	incarnation, _, err := db.Leases.Acquire(t.Context(), node, "", "", ttl)
	require.NoError(t, err)
	_, _, exclusive, err = db.Leases.Renew(t.Context(), node, incarnation, ttl, true)
	require.NoError(t, err)
	return incarnation, exclusive
}

func moved(t testing.TB, db Engine, p *entity[*project.State], node, owner string) {
	t.Helper()
	_, err := db.Projects().Claim(t.Context(), p.fence.ID, node)
	var moved *store.MovedError
	require.ErrorAs(t, err, &moved)
	require.Equal(t, owner, moved.Node)
}

// taken waits until the node can take the row: after a start of the server that
// may last one TTL of its own.
func taken(t testing.TB, db Engine, p *entity[*project.State], node string) *entity[*project.State] {
	t.Helper()
	var c store.Claimed[*project.State]
	require.Eventually(t, func() (ok bool) {
		var err error
		c, err = db.Projects().Claim(t.Context(), p.fence.ID, node)
		return err == nil
	}, 15*time.Second, 20*time.Millisecond)
	return &entity[*project.State]{node: node, fence: c.Fence, state: c.State, stream: p.stream, changes: p.changes}
}

// exclusiveOwner: what a node with a live exclusive lease holds is refused to
// others, and goes on.
func exclusiveOwner(t *testing.T, db *Database) {
	incarnation, exclusive := join(t, db, "n1", longTTL)
	require.True(t, exclusive)
	p, owner := newUserProject(t, db, "n1")
	unclaimed, _ := newUserProject(t, db, "somebody who never had a lease")
	p = p.claimed(t, db.Projects(), "n1")
	moved(t, db.Peer, p, "n2", "n1")
	p.commit(t, db, later(1), renamed("goes on"))
	moved(t, db.Peer, p, "n2", "n1")
	_, err := db.Peer.Accounts().Claim(t.Context(), owner.fence.ID, "n2")
	require.EqualError(t, err, (&store.MovedError{Node: "n1"}).Error(), "a new row belongs to who created it")
	unclaimed.claimed(t, db.Peer.Projects(), "n2")
	p = p.claimed(t, db.Projects(), "n1") // itself is no obstacle

	require.NoError(t, db.Projects().Release(t.Context(), p.fence.ID, "n1"))
	p = p.claimed(t, db.Peer.Projects(), "n2")
	require.Equal(t, "goes on", p.state.Name)
	p = p.claimed(t, db.Projects(), "n1")
	moved(t, db.Peer, p, "n2", "n1")
	_, _, granted, err := db.Leases.Renew(t.Context(), "n1", incarnation, longTTL, false)
	require.NoError(t, err)
	require.False(t, granted, "given up")
	p.claimed(t, db.Peer.Projects(), "n2")
}

// handOver: of nodes that are exclusive together each keeps its rows until it
// clears them itself. What another has claimed since is not its to clear.
func handOver(t *testing.T, db *Database) {
	for _, node := range []string{"a", "b"} {
		incarnation, _, err := db.Leases.Acquire(t.Context(), node, "cluster", node+":1", longTTL)
		require.NoError(t, err)
		_, _, exclusive, err := db.Leases.Renew(t.Context(), node, incarnation, longTTL, true)
		require.NoError(t, err)
		require.True(t, exclusive)
	}
	p, owner := newUserProject(t, db, "a")
	p = p.claimed(t, db.Projects(), "a")
	moved(t, db.Peer, p, "b", "a")
	require.NoError(t, db.Peer.Projects().Release(t.Context(), p.fence.ID, "b"), "not the owner")
	moved(t, db.Peer, p, "b", "a")
	require.NoError(t, db.Projects().Release(t.Context(), p.fence.ID, "a"))
	theirs := p.claimed(t, db.Peer.Projects(), "b")
	require.NoError(t, db.Projects().Release(t.Context(), p.fence.ID, "a"), "the owner no longer")
	moved(t, db, theirs, "a", "b")
	fenced(t, results(t, db, p.fly(later(1), renamed("too late")).commit)[0])

	session := opened(owner, later(1))
	owner.commit(t, db, later(1), session)
	s := openedSession("a", owner, session, later(1)).claimed(t, db.Sessions(), "a")
	require.NoError(t, db.Accounts().Release(t.Context(), owner.fence.ID, "a"))
	require.NoError(t, db.Sessions().Release(t.Context(), s.fence.ID, "a"))
	owner.claimed(t, db.Peer.Accounts(), "b")
	s.claimed(t, db.Peer.Sessions(), "b")
}

// burialOfTheExpired: an expired lease is buried by who wants its rows. It is
// never renewed again; a new incarnation holds nothing.
func burialOfTheExpired(t *testing.T, db *Database) {
	incarnation, exclusive := join(t, db, "n1", shortTTL)
	require.True(t, exclusive)
	p, _ := newUserProject(t, db, "n1")
	p = p.claimed(t, db.Projects(), "n1")
	theirs := taken(t, db.Peer, p, "n2")
	fenced(t, results(t, db, p.fly(later(1), renamed("too late")).commit)[0])
	_, _, _, err := db.Leases.Renew(t.Context(), "n1", incarnation, longTTL, true)
	require.True(t, messages.HasCode(err, messages.CodeMoved), "%v", err)

	next, _, err := db.Leases.Acquire(t.Context(), "n1", "", "", longTTL)
	require.NoError(t, err)
	require.Equal(t, incarnation+1, next)
	_, _, _, err = db.Leases.Renew(t.Context(), "n1", incarnation, longTTL, true)
	require.True(t, messages.HasCode(err, messages.CodeMoved), "the old incarnation stays dead: %v", err)
	_, _, _, err = db.Leases.Renew(t.Context(), "n1", next, longTTL, true)
	require.NoError(t, err)
	theirs.commit(t, db.Peer, later(2), renamed("theirs"))
}

// leaving ends a lease at once and takes nothing along.
func leaving(t *testing.T, db *Database) {
	incarnation, _ := join(t, db, "n1", longTTL)
	p, _ := newUserProject(t, db, "n1")
	require.NoError(t, db.Leases.Leave(t.Context(), "n1", incarnation+1), "another incarnation cannot")
	moved(t, db.Peer, p, "n2", "n1")
	require.NoError(t, db.Leases.Leave(t.Context(), "n1", incarnation))
	p.commit(t, db, later(1), renamed("leaving fences nothing"))
	p.claimed(t, db.Peer.Projects(), "n2")
	_, _, _, err := db.Leases.Renew(t.Context(), "n1", incarnation, longTTL, true)
	require.True(t, messages.HasCode(err, messages.CodeMoved), "%v", err)
}

// exclusivity is granted to one at a time, but for nodes of one cluster, and
// kept until it is given up.
func exclusivity(t *testing.T, db *Database) {
	renew := func(node string, incarnation int64, exclusive bool) (others, granted bool) {
		t.Helper()
		_, others, granted, err := db.Leases.Renew(t.Context(), node, incarnation, longTTL, exclusive)
		require.NoError(t, err)
		return others, granted
	}
	check := func(node string, incarnation int64, ask, others, granted bool) {
		t.Helper()
		o, g := renew(node, incarnation, ask)
		require.Equal(t, []bool{others, granted}, []bool{o, g}, "others, granted")
	}
	one, _, err := db.Leases.Acquire(t.Context(), "n1", "", "", longTTL)
	require.NoError(t, err)
	check("n1", one, false, false, false)
	check("n1", one, true, false, true)
	two, exclusive := join(t, db, "n2", longTTL)
	require.False(t, exclusive)
	check("n1", one, true, true, true)
	check("n1", one, false, true, false)
	check("n1", one, true, true, false)
	check("n2", two, true, true, false)
	require.NoError(t, db.Leases.Leave(t.Context(), "n2", two))
	check("n1", one, true, false, true)
	require.NoError(t, db.Leases.Leave(t.Context(), "n1", one))

	var incarnations []int64
	for _, node := range []string{"a", "b"} {
		incarnation, _, err := db.Leases.Acquire(t.Context(), node, "cluster", node+":1", longTTL)
		require.NoError(t, err)
		incarnations = append(incarnations, incarnation)
	}
	check("a", incarnations[0], true, false, true)
	check("b", incarnations[1], true, false, true)
	foreign, _, err := db.Leases.Acquire(t.Context(), "c", "another", "c:1", longTTL)
	require.NoError(t, err)
	check("c", foreign, true, true, false)
	check("a", incarnations[0], true, true, true)
}

// leaseTime is the database's, and goes forward.
func leaseTime(t *testing.T, db *Database) {
	incarnation, last, err := db.Leases.Acquire(t.Context(), "n1", "", "", longTTL)
	require.NoError(t, err)
	for range 20 {
		now, _, _, err := db.Leases.Renew(t.Context(), "n1", incarnation, longTTL, true)
		require.NoError(t, err)
		require.True(t, now.After(last), "%v after %v", now, last)
		last = now
	}
}

// burialAgainstRenewal: whoever comes first, never do both succeed.
func burialAgainstRenewal(t *testing.T, db *Database) {
	p, _ := newUserProject(t, db, "n0")
	warm, _ := join(t, db, "n0", shortTTL)
	p = p.claimed(t, db.Projects(), "n0")
	p = taken(t, db.Peer, p, "warm") // the server is old enough from here on
	require.NoError(t, db.Leases.Leave(t.Context(), "n0", warm))
	buried, kept, late := 0, 0, 1 // late makes the race close: by how much the renewal waits
	for round := range 30 {
		node := fmt.Sprint("n", round)
		incarnation, exclusive := join(t, db, node, shortTTL)
		require.True(t, exclusive)
		p = p.claimed(t, db.Projects(), node)
		var both sync.WaitGroup
		var renewed, claimed error
		both.Go(func() {
			for range late {
				_ = db.Ping(t.Context())
			}
			_, _, _, renewed = db.Leases.Renew(t.Context(), node, incarnation, longTTL, true)
		})
		both.Go(func() { _, claimed = db.Peer.Projects().Claim(t.Context(), p.fence.ID, "taker") })
		both.Wait()
		require.NotEqual(t, renewed == nil, claimed == nil, "renewed: %v, claimed: %v", renewed, claimed)
		if claimed == nil {
			buried, late = buried+1, late/2
		} else {
			kept, late = kept+1, 2*late+1
		}
		require.NoError(t, db.Leases.Leave(t.Context(), node, incarnation))
	}
	t.Logf("%d buried, %d renewed", buried, kept)
	require.NotZero(t, buried*kept, "one side won every time: nothing was shown")
}
