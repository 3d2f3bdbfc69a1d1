package services_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	one, two := connect(t, services.Postgres(t).URL()), connect(t, services.Postgres(t).URL())
	_, err := one.Exec(t.Context(), "CREATE TABLE here (x int)")
	require.NoError(t, err)
	_, err = two.Exec(t.Context(), "SELECT * FROM here")
	require.Error(t, err)
	var fsync string
	require.NoError(t, one.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync))
	require.Equal(t, "on", fsync)
}

func TestCrashRestartFreezeReplica(t *testing.T) {
	t.Parallel()
	pg := services.OwnPostgres(t)
	conn := connect(t, pg.URL("test"))
	_, err := conn.Exec(t.Context(), "CREATE TABLE t (x int); INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	pg.Crash()
	_, err = conn.Exec(t.Context(), "SELECT 1")
	require.Error(t, err)
	pg.Restart(t)
	conn = connect(t, pg.URL("test"))
	var x int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT x FROM t").Scan(&x), "what was committed survives")

	pg.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.Error(t, conn.QueryRow(ctx, "SELECT x FROM t").Scan(&x))
	pg.Thaw()

	replica := pg.Replica(t)
	conn = connect(t, pg.URL("test"))
	_, err = conn.Exec(t.Context(), "INSERT INTO t VALUES (2)")
	require.NoError(t, err)
	behind := connect(t, replica.URL("test"))
	require.Eventually(t, func() bool {
		return behind.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&x) == nil && x == 2
	}, 20*time.Second, 10*time.Millisecond)
	pg.Crash()
	replica.Promote(t)
	require.Eventually(t, func() bool {
		_, err := behind.Exec(t.Context(), "INSERT INTO t VALUES (3)")
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
}
