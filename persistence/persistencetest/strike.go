package persistencetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// acquire makes a node of a cluster with a lease.
func acquire(t testing.TB, db *Database, node, cluster string, ttl time.Duration) (incarnation int64) {
	t.Helper()
	incarnation, _, err := db.Leases.Acquire(t.Context(), node, cluster, node+":1", ttl)
	require.NoError(t, err)
	return incarnation
}

// renew asks for exclusivity and reports whether the lease was prolonged.
func renew(t testing.TB, db *Database, node string, incarnation int64, ttl time.Duration) bool {
	t.Helper()
	_, _, _, err := db.Leases.Renew(t.Context(), node, incarnation, ttl, true)
	if !messages.HasCode(err, messages.CodeMoved) {
		require.NoError(t, err)
	}
	return err == nil
}

// striking: a struck incarnation keeps what it has until its lease has run out,
// and can prolong nothing. The next one begins unstruck.
func striking(t *testing.T, db *Database) {
	const ttl = 500 * time.Millisecond
	one := acquire(t, db, "n1", "cluster", longTTL)
	require.NoError(t, db.Leases.Strike(t.Context(), "n1", one+1), "another incarnation")
	require.True(t, renew(t, db, "n1", one, ttl))
	p, _ := newUserProject(t, db, "n1")
	p = p.claimed(t, db.Projects(), "n1")
	for range 2 {
		require.NoError(t, db.Leases.Strike(t.Context(), "n1", one))
		require.False(t, renew(t, db, "n1", one, longTTL))
	}
	theirs := taken(t, db.Peer, p, "n2")
	require.Empty(t, live(t, db, "cluster"), "taken only once the lease had run out")
	fenced(t, results(t, db, p.fly(later(1), renamed("too late")).commit)[0])

	two := acquire(t, db, "n1", "cluster", longTTL)
	require.Equal(t, one+1, two)
	require.NoError(t, db.Leases.Strike(t.Context(), "n1", one), "the old incarnation")
	require.False(t, renew(t, db, "n1", one, longTTL))
	require.True(t, renew(t, db, "n1", two, longTTL))
	theirs.commit(t, db.Peer, later(2), renamed("theirs"))
}

func live(t testing.TB, db *Database, cluster string) []messages.LeasedNode {
	t.Helper()
	nodes, err := db.Leases.Live(t.Context(), cluster)
	require.NoError(t, err)
	return nodes
}

// liveLeases are those of the cluster that were neither left nor run out, the
// oldest first.
func liveLeases(t *testing.T, db *Database) {
	require.Empty(t, live(t, db, "cluster"))
	two, one := acquire(t, db, "n2", "cluster", longTTL), acquire(t, db, "n1", "cluster", longTTL)
	acquire(t, db, "n3", "another", longTTL)
	acquire(t, db, "n4", "", longTTL)
	acquire(t, db, "n5", "cluster", shortTTL)
	left := acquire(t, db, "n6", "cluster", longTTL)
	require.NoError(t, db.Leases.Leave(t.Context(), "n6", left))
	time.Sleep(2 * shortTTL)
	found := live(t, db, "cluster")
	require.Len(t, found, 2)
	for i, want := range []messages.LeasedNode{{Name: "n2", Incarnation: two, Address: "n2:1"}, {Name: "n1", Incarnation: one, Address: "n1:1"}} {
		want.StartedAt = found[i].StartedAt
		require.Equal(t, want, found[i])
	}
	require.True(t, found[0].StartedAt.Before(found[1].StartedAt))

	require.NoError(t, db.Leases.Strike(t.Context(), "n2", two))
	_, _, granted, err := db.Leases.Renew(t.Context(), "n1", one, longTTL, true)
	require.NoError(t, err)
	require.False(t, granted, "a stranger's lease is live")
	found = live(t, db, "cluster")
	require.Equal(t, []bool{true, false}, []bool{found[0].Struck, found[1].Struck})
	again := acquire(t, db, "n2", "cluster", longTTL)
	found = live(t, db, "cluster")
	require.Equal(t, []string{"n1", "n2"}, []string{found[0].Name, found[1].Name}, "a new incarnation is the youngest")
	require.Equal(t, again, found[1].Incarnation)
	require.False(t, found[1].Struck)
	require.NoError(t, db.Leases.Leave(t.Context(), "n2", again))

	require.False(t, found[0].Exclusive)
	for _, stranger := range []string{"n3", "n4", "n5"} {
		require.NoError(t, db.Leases.Leave(t.Context(), stranger, 1))
	}
	require.True(t, renew(t, db, "n1", one, longTTL))
	require.True(t, live(t, db, "cluster")[0].Exclusive)
}
