package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/persistence/persistencetest"
)

// TestWhatNobodyWantsIsNotWritten to the outbox, and all else is: as soon as somebody
// has said that he may want it, for as long as he may come back for it, and while
// nobody has said anything.
func TestWhatNobodyWantsIsNotWritten(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, watch := connect(t, url), raw(t, url)
	owner := persistencetest.Registration()
	results, err := db.Write(t.Context(), persistencetest.Group(owner))
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	// written are the rows that a new user and a new project leave in the outbox.
	written := func() (n int) {
		t.Helper()
		_, err := watch.Exec(t.Context(), `DELETE FROM outbox`)
		require.NoError(t, err)
		results, err := db.Write(t.Context(), persistencetest.Group(persistencetest.Registration(), persistencetest.Creation(owner.ID)))
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
		require.NoError(t, watch.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&n))
		return n
	}
	announce := func(node string, ttl time.Duration, broker bool, wanted *string) {
		t.Helper()
		_, _, err := db.Outbox().Lease(t.Context(), node, ttl, broker, wanted)
		require.NoError(t, err)
	}
	users, all := "users/", ""
	require.Equal(t, 2, written(), "nobody relays")
	announce("a", time.Hour, false, nil)
	require.Zero(t, written(), "the only one who relays publishes nothing")
	announce("b", time.Hour, false, &users)
	require.Equal(t, 1, written())
	announce("b", time.Hour, false, &all)
	require.Equal(t, 2, written())
	announce("b", time.Hour, false, nil)
	require.Zero(t, written())
	_, err = watch.Exec(t.Context(), `UPDATE outbox_relays SET wants = NULL WHERE node = 'b'`)
	require.NoError(t, err)
	require.Equal(t, 2, written(), "a program of the version before does not say")
	announce("b", time.Hour, true, &all)
	require.NoError(t, db.Outbox().GiveBack(t.Context(), "b", nil, true))
	require.Equal(t, 2, written(), "who has a broker may come back for it")
	announce("b", time.Hour, false, nil)
	for _, node := range []string{"a", "b"} {
		require.NoError(t, db.Outbox().GiveBack(t.Context(), node, nil, true))
	}
	require.Equal(t, 2, written(), "who relayed has left")
}
