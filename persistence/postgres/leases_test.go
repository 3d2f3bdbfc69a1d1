package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
	"atelier/test/services"
)

// After a start of the server nobody is buried for one TTL: while it was away
// nobody could renew.
func TestNobodyIsBuriedRightAfterAStart(t *testing.T) {
	t.Parallel()
	server := services.OwnPostgres(t)
	url := server.URL("test")
	_, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	db := connect(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	p := persistencetest.Creation(owner.ID)
	applied(t, db, p)
	for range 2 {
		incarnation, _, err := db.Leases().Acquire(t.Context(), p.Node, "", "", time.Millisecond)
		require.NoError(t, err)
		_, _, exclusive, err := db.Leases().Renew(t.Context(), p.Node, incarnation, time.Millisecond, true)
		require.NoError(t, err)
		require.True(t, exclusive)
		_, err = db.Projects().Claim(t.Context(), p.ID, p.Node)
		require.NoError(t, err)
		server.Crash()
		server.Restart(t)
		watch := raw(t, url)
		age := func() (age time.Duration) {
			require.NoError(t, watch.QueryRow(t.Context(), `SELECT clock_timestamp() - pg_postmaster_start_time()`).Scan(&age))
			return age
		}
		refused := 0
		require.Eventually(t, func() bool {
			before := age()
			_, err := db.Projects().Claim(t.Context(), p.ID, "taker")
			if err != nil {
				if moved := new(store.MovedError); errors.As(err, &moved) {
					refused++
				}
				return false // or a connection of before the crash
			}
			require.Greater(t, age(), postgres.LeaseTTL, "buried too early")
			t.Logf("taken when the server was %v old, refused %d times", before, refused)
			return true
		}, 20*time.Second, 50*time.Millisecond)
		require.Positive(t, refused)
	}
}

// A claim that waited for the owner's own judges the owner by what holds once it
// has the row, not by what held when it began to wait.
func TestClaimJudgesTheOwnerWithTheRowInHand(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, watch := connect(t, url), raw(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	p := persistencetest.Creation(owner.ID)
	applied(t, db, p)
	tx, err := raw(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `UPDATE projects SET node = 'winner', epoch = epoch + 1 WHERE id = $1`, p.ID)
	require.NoError(t, err)
	claimed := make(chan error, 1)
	go func() {
		_, err := db.Projects().Claim(t.Context(), p.ID, "loser")
		claimed <- err
	}()
	waiting(t, watch, 1)
	incarnation, _, err := db.Leases().Acquire(t.Context(), "winner", "", "", time.Hour)
	require.NoError(t, err)
	_, _, exclusive, err := db.Leases().Renew(t.Context(), "winner", incarnation, time.Hour, true)
	require.NoError(t, err)
	require.True(t, exclusive)
	require.NoError(t, tx.Commit(t.Context()))
	var moved *store.MovedError
	require.ErrorAs(t, <-claimed, &moved)
	require.Equal(t, "winner", moved.Node)
}
