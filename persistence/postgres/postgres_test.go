package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

var databases atomic.Int64

// database makes an empty database of its own for the test.
func database(t testing.TB) string {
	t.Helper()
	server := os.Getenv("ATELIER_TEST_POSTGRES")
	require.NotEmpty(t, server)
	admin, err := pgx.Connect(t.Context(), server)
	require.NoError(t, err)
	name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	_, err = admin.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
		admin.Close(context.Background())
	})
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + strings.TrimPrefix(name, "/")
	return u.String()
}

func open(t testing.TB) *postgres.DB {
	t.Helper()
	at := database(t)
	_, err := postgres.Migrate(t.Context(), at)
	require.NoError(t, err)
	return connect(t, at)
}

func connect(t testing.TB, at string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: at})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func BenchmarkWrite(b *testing.B) { persistencetest.Bench(b, open(b)) }
