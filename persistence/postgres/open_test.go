package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// set changes a setting for new connections to the database.
func set(t *testing.T, url, setting string) {
	execute(t, url, `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET `+setting+`'; END $$`)
}

// What the database is set to is overruled where the statements rest on it, and
// refused where durability does.
func TestSettingsOfTheDatabase(t *testing.T) {
	t.Parallel()
	url := services.Postgres(t).URL()
	set(t, url, "default_transaction_isolation = serializable")
	db, err := Open(t.Context(), Config{URL: url})
	require.NoError(t, err)
	defer db.Close()
	for _, pool := range []*pgxpool.Pool{db.reads.Pool, db.writes, db.claims, db.leases} {
		var isolation string
		require.NoError(t, pool.QueryRow(t.Context(), `SHOW transaction_isolation`).Scan(&isolation))
		require.Equal(t, "read committed", isolation)
		var notices string
		require.NoError(t, pool.QueryRow(t.Context(), `SHOW tcp_keepalives_idle`).Scan(&notices))
		require.Equal(t, "10", notices, "what a vanished client had ends soon")
	}
	set(t, url, "synchronous_commit = off")
	_, err = Open(t.Context(), Config{URL: url})
	require.ErrorContains(t, err, "synchronous_commit is off")
}

// TestABusyServerIsWaitedFor: one that accepts connections and says nothing for longer
// than a connection may take is asked again.
func TestABusyServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := services.OwnPostgres(t)
	server.Freeze()
	thaw := time.AfterFunc(2*time.Second, server.Thaw)
	defer thaw.Stop()
	db, err := Open(t.Context(), Config{URL: server.URL("test")})
	require.NoError(t, err)
	db.Close()
}
