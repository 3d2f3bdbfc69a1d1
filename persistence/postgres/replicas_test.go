package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

// listedFor is how many projects a user has, for someone who has seen a position.
func listedFor(t *testing.T, db *postgres.DB, user string, seen messages.Position) int {
	t.Helper()
	page, err := db.ListProjects(messages.SeenFrom(t.Context(), seen), &messages.ProjectQuery{UserId: user, Limit: 100})
	require.NoError(t, err)
	return len(page.GetItems())
}

// TestReplicasAnswerWhatTheyHave: a replica is asked for what it has replayed, and the
// primary for all else, whatever becomes of the replica.
func TestReplicasAnswerWhatTheyHave(t *testing.T) {
	t.Parallel()
	primary, url := ownServer(t)
	replica := primary.Replica(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Replicas: []string{replica.URL("test")}})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	projects := 0
	create := func() messages.Position {
		applied(t, db, persistencetest.Creation(owner.ID))
		projects++
		p, err := db.Position(t.Context())
		require.NoError(t, err)
		require.True(t, p.Anywhere())
		return p
	}
	serves := func(p messages.Position) { // once it has come so far
		t.Helper()
		before := db.Replicas().Served
		require.Eventually(t, func() bool {
			require.Equal(t, projects, listedFor(t, db, owner.ID, p))
			return db.Replicas().Served > before
		}, time.Minute, 10*time.Millisecond)
	}
	first := create()
	serves(first)
	require.Equal(t, projects, listedFor(t, db, owner.ID, messages.Position{}), "without a position")
	served := db.Replicas().Served
	require.Equal(t, projects, listedFor(t, db, owner.ID, messages.Position{Timeline: first.Timeline + 1, LSN: 1}), "of another server")
	require.Equal(t, served, db.Replicas().Served)

	standby := raw(t, replica.URL("test"))
	_, err = standby.Exec(t.Context(), `SELECT pg_wal_replay_pause()`)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		var paused bool
		require.NoError(t, standby.QueryRow(t.Context(), `SELECT pg_get_wal_replay_pause_state() = 'paused'`).Scan(&paused))
		return paused
	}, time.Minute, 10*time.Millisecond)
	behind := db.Replicas().Behind
	second := create()
	for range 20 {
		require.Equal(t, projects, listedFor(t, db, owner.ID, second))
	}
	require.Equal(t, behind+20, db.Replicas().Behind)
	require.Equal(t, projects-1, listedFor(t, db, owner.ID, first), "who has seen less may see less")
	_, err = standby.Exec(t.Context(), `SELECT pg_wal_replay_resume()`)
	require.NoError(t, err)
	serves(second)

	replica.Crash()
	third := create()
	require.Equal(t, projects, listedFor(t, db, owner.ID, third))
	require.Equal(t, 1, db.Replicas().Away)
	replica.Restart(t)
	serves(third)
	require.Zero(t, db.Replicas().Away)

	replica.Promote(t) // it goes its own way
	require.Eventually(t, func() bool {
		var standby bool
		require.NoError(t, raw(t, replica.URL("test")).QueryRow(t.Context(), `SELECT pg_is_in_recovery()`).Scan(&standby))
		return !standby
	}, time.Minute, 10*time.Millisecond)
	served = db.Replicas().Served
	fourth := create()
	for range 5 {
		require.Equal(t, projects, listedFor(t, db, owner.ID, fourth))
	}
	require.Equal(t, served, db.Replicas().Served)
}

// TestAFrozenReplicaKeepsNobody for longer than a query may take there.
func TestAFrozenReplicaKeepsNobody(t *testing.T) {
	t.Parallel()
	primary, url := ownServer(t)
	replica := primary.Replica(t)
	replica.Freeze()
	defer replica.Thaw()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Replicas: []string{replica.URL("test")}})
	require.NoError(t, err, "a node starts without its replicas")
	t.Cleanup(db.Close)
	p, err := db.Position(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(messages.SeenFrom(t.Context(), p), 30*time.Second)
	defer cancel()
	for range 50 { // all but a few of them do not wait for it
		_, err := db.ListProjects(ctx, &messages.ProjectQuery{UserId: persistencetest.Registration().ID, Limit: 1})
		require.NoError(t, err)
	}
}
