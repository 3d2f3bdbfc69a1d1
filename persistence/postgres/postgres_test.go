package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
	"atelier/test/services"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	persistencetest.Run(t, func(t testing.TB) *persistencetest.Database {
		url := migrated(t)
		db, peer := connect(t, patient(url)), connect(t, patient(url))
		return &persistencetest.Database{
			Engine: db, Peer: peer, Keys: keys{db}, Alter: func(t testing.TB, sql string) {
				_, err := raw(t, url).Exec(t.Context(), sql)
				require.NoError(t, err)
			}, Leases: db.Leases(), Outbox: db.Outbox(), PeerOutbox: peer.Outbox(),
			Hold:    func(t testing.TB, key store.CommandKey) *persistencetest.Held { return hold(t, url, key) },
			Tampers: tampers, CutAudit: `DELETE FROM audit_seals`,
		}
	})
}

// tampers are done to the last ten rows, which are events, and to their seals.
var tampers = []persistencetest.AuditTamper{
	{Do: `UPDATE events SET actor_id = actor_id || 'x' WHERE audit <> ''`, Undo: `UPDATE events SET actor_id = left(actor_id, -1) WHERE audit <> ''`, Found: "row 47 is not what was written"},
	{Do: `UPDATE events SET audit = audit || ' ' WHERE audit <> ''`, Undo: `UPDATE events SET audit = left(audit, -1) WHERE audit <> ''`, Found: "row 47 is not what was written"},
	{Do: `UPDATE events SET seq = seq + 9 WHERE audit <> ''`, Undo: `UPDATE events SET seq = seq - 9 WHERE audit <> ''`, Found: "10 events have no row"},
	{Do: `UPDATE feed SET seq = seq + 9 WHERE audited`, Undo: `UPDATE feed SET seq = seq - 9 WHERE audited`, Found: "there is no row from 41 on"},
	{Do: `UPDATE feed_head SET position = position + 1`, Undo: `UPDATE feed_head SET position = position - 1`, Found: "1 events have no row, such as feed"},
	{Do: swapped(`DESC`), Undo: swapped(`ASC`), Found: "row 43 is not what was written"},
	{Do: `UPDATE audit_seals SET hashes[1] = hashes[1] || '\x00'`, Undo: `UPDATE audit_seals SET hashes[1] = substr(hashes[1], 1, 32)`, Found: "row 43 is not what was written"},
	{Do: `UPDATE audit_seals SET first = first + 1000, last = last + 1000 WHERE last > 42`, Undo: `UPDATE audit_seals SET first = first - 1000, last = last - 1000 WHERE last > 1042`, Found: "rows 43 to 1042 are missing"},
}

// swapped has events of a seal change places.
func swapped(order string) string {
	return `UPDATE audit_seals SET ids = ARRAY(SELECT i FROM unnest(ids) i ORDER BY i ` + order + `), positions = ARRAY(SELECT p FROM unnest(positions) p ORDER BY p ` + order + `)`
}

func BenchmarkWrite(b *testing.B) { persistencetest.Bench(b, connect(b, migrated(b))) }

// migrated is the URL of a fresh database with the schema in it.
func migrated(t testing.TB) string {
	t.Helper()
	url := services.Postgres(t).URL()
	_, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	return url
}

// ownServer is a server that no other test uses, and the URL of its database, with the
// schema in it.
func ownServer(t testing.TB) (server *services.PostgresServer, url string) {
	t.Helper()
	server = services.OwnPostgres(t)
	url = server.URL("test")
	_, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	return server, url
}

func connect(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// patient is for tests that hold rows, for longer where the machine is busy.
func patient(url string) string { return url + "&lock_timeout=10s&statement_timeout=10s" }

// raw is a connection beside the engine.
func raw(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// hold has a command carried out by a transaction that does not end yet.
func hold(t testing.TB, url string, key store.CommandKey) *persistencetest.Held {
	t.Helper()
	ctx, watch := t.Context(), raw(t, url)
	tx, err := raw(t, url).Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `INSERT INTO commands VALUES ($1, $2, 'print', 'reply', now() + interval '1 day')`, key.Principal, key.Command)
	require.NoError(t, err)
	return &persistencetest.Held{
		Waiting: func(n int) { waiting(t, watch, n) },
		End: func(commit bool) {
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			require.NoError(t, end(ctx))
		},
	}
}

// waiting returns when so many backends of the database wait for locks.
func waiting(t testing.TB, watch *pgx.Conn, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var waiting int
		err := watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting >= n
	}, 10*time.Second, 2*time.Millisecond)
}

// keys are the signing keys in the suite's words.
type keys struct{ db *postgres.DB }

func (k keys) Keys(ctx context.Context) (list []persistencetest.Key, err error) {
	rows, err := k.db.Keys(ctx)
	for _, row := range rows {
		list = append(list, persistencetest.Key(row))
	}
	return list, err
}

func (k keys) AddKey(ctx context.Context, key persistencetest.Key, told messages.AuditRow) (bool, error) {
	return k.db.AddKey(ctx, postgres.SealedKey(key), told)
}

func (k keys) RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error {
	return k.db.RemoveKey(ctx, kid, told)
}
