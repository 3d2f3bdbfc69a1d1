package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

// one writes one commit.
func one(ctx context.Context, db *postgres.DB, c *store.Commit) (store.Result, error) {
	results, err := db.Write(ctx, []*store.Commit{c})
	if err != nil {
		return store.Result{}, err
	}
	return results[0], nil
}

func applied(t testing.TB, db *postgres.DB, c *store.Commit) {
	t.Helper()
	r, err := one(t.Context(), db, c)
	require.NoError(t, err)
	require.NoError(t, r.Err)
	require.False(t, r.Duplicate)
}

// blocked has a write wait for a command that another transaction holds.
func blocked(t testing.TB, url string, db *postgres.DB) (c *store.Commit, held *persistencetest.Held, ended chan error) {
	t.Helper()
	owner := persistencetest.Registration()
	applied(t, db, owner)
	c = persistencetest.Creation(owner.ID)
	held = hold(t, url, c.Replies[0].CommandKey)
	ended = make(chan error, 1)
	go func() {
		_, err := one(context.WithoutCancel(t.Context()), db, c)
		ended <- err
	}()
	held.Waiting(1)
	return c, held, ended
}

func unknown(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrRolledBack, "what is not known must not be called a rollback")
}

// A connection that is lost under a write leaves its outcome unknown.
func TestLostConnectionIsUnknown(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, patient(url))
	c, held, ended := blocked(t, url, db)
	_, err := raw(t, url).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'atelier'`)
	require.NoError(t, err)
	unknown(t, <-ended)
	held.End(false)
	applied(t, db, c)
}

// The server's death under a write leaves its outcome unknown; writes after it
// are refused for certain, and succeed soon after the server is back.
func TestCrashedServer(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: patient(url), Writers: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	c, _, ended := blocked(t, url, db)
	server.Crash()
	unknown(t, <-ended)
	_, err = one(t.Context(), db, c)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, store.ErrRolledBack)
	_, err = db.ListProjects(t.Context(), &messages.ProjectQuery{UserId: c.ID, Limit: 1})
	require.True(t, messages.HasCode(err, messages.CodeUnavailable), "%v", err)

	server.Restart(t)
	began := time.Now()
	require.Eventually(t, func() bool {
		r, err := one(t.Context(), db, c)
		return err == nil && r.Err == nil
	}, 5*time.Second, 10*time.Millisecond)
	t.Logf("back after %v", time.Since(began))
}

// A frozen server, as a network that swallows everything, keeps nobody longer
// than he waits.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	server, url := ownServer(t)
	db := connect(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	warm := persistencetest.Creation(owner.ID)
	applied(t, db, warm)
	server.Freeze()
	thawed := false
	t.Cleanup(func() {
		if !thawed {
			server.Thaw()
		}
	})
	const patience = 500 * time.Millisecond
	within := func(what string, ask func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		began := time.Now()
		require.Error(t, ask(ctx), what)
		require.Less(t, time.Since(began), 4*patience, what)
	}
	c := persistencetest.Creation(owner.ID)
	lost := []*store.Commit{c}
	twin := *c // it meets the other, and would have come after it
	results, err := db.Write(t.Context(), []*store.Commit{c, &twin})
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, store.ErrSilent)
	require.NotErrorIs(t, results[0].Err, store.ErrRolledBack)
	require.ErrorIs(t, results[1].Err, store.ErrSilent)
	require.ErrorIs(t, results[1].Err, store.ErrRolledBack, "it was not sent")
	for range 2 { // on a connection that was in use, and on one that must be made
		c := persistencetest.Creation(owner.ID)
		lost = append(lost, c)
		within("write", func(ctx context.Context) error {
			_, err := one(ctx, db, c)
			return err
		})
	}
	within("claim", func(ctx context.Context) error {
		_, err := db.Projects().Claim(ctx, warm.ID, "n1")
		return err
	})
	within("list", func(ctx context.Context) error {
		_, err := db.ListProjects(ctx, &messages.ProjectQuery{UserId: owner.ID, Limit: 1})
		return err
	})
	within("lease", func(ctx context.Context) error {
		_, _, err := db.Leases().Acquire(ctx, "n1", "", "", time.Second)
		return err
	})
	// Those who could wait for longer are told that the database is away.
	_, err = db.ListProjects(t.Context(), &messages.ProjectQuery{UserId: owner.ID, Limit: 1})
	require.True(t, messages.HasCode(err, messages.CodeUnavailable), "%v", err)
	_, err = db.FindCredential(t.Context(), "somebody@example.com")
	require.True(t, messages.HasCode(err, messages.CodeUnavailable), "%v", err)
	server.Thaw()
	thawed = true
	// The outcome was not known; asked again, each was carried out once.
	for _, c := range lost {
		require.Eventually(t, func() bool {
			r, err := one(t.Context(), db, c)
			return err == nil && (r.Duplicate || r.Err == nil)
		}, 5*time.Second, 10*time.Millisecond)
	}
}

// A lock that is not given up ends a write for certain.
func TestLockedRow(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url + "&lock_timeout=2s", Writers: 1}) // no connection is left to ask whether the server lives
	require.NoError(t, err)
	t.Cleanup(db.Close)
	c, held, ended := blocked(t, url, db)
	err = <-ended
	require.ErrorIs(t, err, store.ErrBlocked)
	require.ErrorIs(t, err, store.ErrRolledBack)
	held.End(false)
	applied(t, db, c)
}

// A statement that takes too long is cancelled by the server: nothing of it was
// written.
func TestSlowStatement(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	_, err := raw(t, url).Exec(t.Context(), `
		CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$;
		CREATE TRIGGER slow BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION slow()`)
	require.NoError(t, err)
	db := connect(t, url)
	c := persistencetest.Registration()
	_, err = one(t.Context(), db, c)
	require.ErrorIs(t, err, store.ErrBlocked)
	_, err = db.Accounts().Claim(t.Context(), c.ID, "n1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A standby, which a demoted primary is, writes nothing and says so.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	_, err := raw(t, url).Exec(t.Context(), `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$`)
	require.NoError(t, err)
	_, err = one(t.Context(), connect(t, url), persistencetest.Registration())
	require.ErrorIs(t, err, store.ErrUnavailable)
}

// A pool whose connections are all in use refuses for certain.
func TestExhaustedPool(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: patient(url), Writers: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	_, held, ended := blocked(t, url, db)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = one(ctx, db, persistencetest.Registration())
	require.ErrorIs(t, err, store.ErrUnavailable)
	held.End(false)
	require.NoError(t, <-ended)
}

// Something that only the database knows refuses a group for certain; one by
// one all others are written.
func TestUnforeseenConstraint(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, url)
	good, bad := persistencetest.Registration(), persistencetest.Registration()
	_, err := raw(t, url).Exec(t.Context(), `ALTER TABLE users ADD CHECK (id <> '`+bad.ID+`')`)
	require.NoError(t, err)
	_, err = db.Write(t.Context(), []*store.Commit{good, bad})
	require.ErrorIs(t, err, store.ErrRolledBack)
	require.False(t, errors.Is(err, store.ErrUnavailable))
	_, err = one(t.Context(), db, bad)
	require.ErrorIs(t, err, store.ErrRolledBack)
	applied(t, db, good)
}

// A write that waits for a synchronous standby can be given up, and is there all the same.
// Nobody is told so before the standby has it too.
func TestARepeatedAnswerIsAsSafeAsTheFirst(t *testing.T) {
	t.Parallel()
	primary, url := ownServer(t)
	standby := primary.Replica(t)
	primary.Synchronous(t)
	db := connect(t, url)
	owner := persistencetest.Registration()
	applied(t, db, owner)
	c := persistencetest.Creation(owner.ID)
	within := func(d time.Duration) (store.Result, error) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		return one(ctx, db, c)
	}
	standby.Freeze()
	_, err := within(time.Second)
	unknown(t, err)
	watch := raw(t, url)
	require.Eventually(t, func() (there bool) {
		require.NoError(t, watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM commands WHERE command_id = $1)`, c.Replies[0].Command).Scan(&there))
		return there
	}, 10*time.Second, 10*time.Millisecond)
	_, err = within(time.Second)
	unknown(t, err) // the standby does not have it
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = one(ctx, db, &store.Commit{
		Fence: store.Fence{Kind: store.Project, ID: persistencetest.Creation(owner.ID).ID}, Node: "n1",
		Lookups: []store.CommandKey{{Principal: owner.ID, Command: "k:nobody's"}},
	})
	require.NoError(t, err, "what was never carried out has nothing to wait for")
	standby.Thaw()
	r, err := within(20 * time.Second)
	require.NoError(t, err)
	require.True(t, r.Duplicate)
}
