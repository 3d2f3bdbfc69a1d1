package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

// After a start of the server nobody is buried for one TTL: while it was away
// nobody could renew.
func TestNobodyIsBuriedRightAfterAStart(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t)
	db := connect(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	p := persistencetest.Creation(owner.ID)
	applied(t, db, p)
	// A round counts in which somebody asked in time to be refused: after a start the
	// connections may take longer to be made than a lease lives.
	for asked, rounds := 0, 0; asked < 2; rounds++ {
		require.Less(t, rounds, 8)
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
		if refused > 0 {
			asked++
		}
	}
}

// The first who is buried in a new database is not buried any later than others.
func TestTheFirstBurialWaitsForNothingElse(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, watch := connect(t, url), raw(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	p := persistencetest.Creation(owner.ID)
	applied(t, db, p)
	incarnation, _, err := db.Leases().Acquire(t.Context(), p.Node, "", "", postgres.LeaseTTL)
	require.NoError(t, err)
	_, _, exclusive, err := db.Leases().Renew(t.Context(), p.Node, incarnation, postgres.LeaseTTL, true)
	require.NoError(t, err)
	require.True(t, exclusive)
	require.Eventually(t, func() (over bool) {
		require.NoError(t, watch.QueryRow(t.Context(), `SELECT expires < clock_timestamp() AND pg_postmaster_start_time() < clock_timestamp() - $2::interval
			FROM nodes WHERE name = $1`, p.Node, postgres.LeaseTTL).Scan(&over))
		return over
	}, 20*time.Second, 10*time.Millisecond)
	_, err = db.Projects().Claim(t.Context(), p.ID, "taker")
	require.NoError(t, err)
}

// A claim that waited for the owner's own judges the owner by what holds once it
// has the row, not by what held when it began to wait.
func TestClaimJudgesTheOwnerWithTheRowInHand(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, watch := connect(t, patient(url)), raw(t, url)
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

// Of two processes with one name the second is refused while the first lives,
// and waits where it has only just died; the same instance, started anew, waits
// for nothing.
func TestOneNameIsOneInstance(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	instance := func(name string) *postgres.Leases {
		db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Instance: name})
		require.NoError(t, err)
		t.Cleanup(db.Close)
		return db.Leases()
	}
	one, other := instance("one"), instance("other")
	const ttl = time.Second
	incarnation, _, err := one.Acquire(t.Context(), "n1", "", "", ttl)
	require.NoError(t, err)
	again, _, err := one.Acquire(t.Context(), "n1", "", "", ttl)
	require.NoError(t, err)
	require.Equal(t, incarnation+1, again)

	refused := make(chan error, 1)
	go func() {
		_, _, err := other.Acquire(t.Context(), "n1", "", "", ttl)
		refused <- err
	}()
	for alive := true; alive; {
		_, _, _, err := one.Renew(t.Context(), "n1", again, ttl, true)
		require.NoError(t, err)
		select {
		case err := <-refused:
			require.ErrorContains(t, err, "another process is node n1")
			alive = false
		case <-time.After(ttl / 10):
		}
	}
	var last int64
	require.Eventually(t, func() bool { // the server may be younger than the TTL, and then it lasts longer
		last, _, err = other.Acquire(t.Context(), "n1", "", "", ttl)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, again+1, last)
	_, _, _, err = one.Renew(t.Context(), "n1", again, ttl, true)
	require.Error(t, err, "the first has lost its name")
}

// After another server has taken over nobody is buried for one TTL, and the
// standby, before, is no database to work with.
func TestNobodyIsBuriedRightAfterAPromotion(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t)
	db := connect(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	p := persistencetest.Creation(owner.ID)
	applied(t, db, p)
	incarnation, _, err := db.Leases().Acquire(t.Context(), p.Node, "", "", time.Millisecond)
	require.NoError(t, err)
	_, _, exclusive, err := db.Leases().Renew(t.Context(), p.Node, incarnation, time.Millisecond, true)
	require.NoError(t, err)
	require.True(t, exclusive)
	require.Eventually(t, func() bool { // someone was buried on the old server, long enough after its start
		_, err := db.Projects().Claim(t.Context(), p.ID, "taker")
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	incarnation, _, err = db.Leases().Acquire(t.Context(), "taker", "", "", time.Millisecond)
	require.NoError(t, err)
	_, _, exclusive, err = db.Leases().Renew(t.Context(), "taker", incarnation, time.Millisecond, true)
	require.NoError(t, err)
	require.True(t, exclusive)

	replica := server.Replica(t)
	_, err = postgres.Open(t.Context(), postgres.Config{URL: replica.URL("test")})
	require.ErrorContains(t, err, "standby")
	age := func(of string) (age time.Duration) {
		require.NoError(t, raw(t, replica.URL("test")).QueryRow(t.Context(), `SELECT clock_timestamp() - `+of).Scan(&age))
		return age
	}
	require.Eventually(t, func() bool { return age("pg_postmaster_start_time()") > 2*postgres.LeaseTTL }, 20*time.Second, 100*time.Millisecond)
	server.Crash()
	promoted := time.Now()
	replica.Promote(t)
	heir := connect(t, replica.URL("test"))
	var moved *store.MovedError
	_, err = heir.Projects().Claim(t.Context(), p.ID, "heir")
	require.ErrorAs(t, err, &moved)
	require.Eventually(t, func() bool {
		_, err := heir.Projects().Claim(t.Context(), p.ID, "heir")
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	require.Greater(t, time.Since(promoted), postgres.LeaseTTL, "buried too early")
}
