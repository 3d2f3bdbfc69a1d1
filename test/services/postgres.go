package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Database is a database of one test.
type Database struct{ url string }

// URL is where it is: postgres://….
func (d *Database) URL() string { return d.url }

// Postgres is a fresh, empty database on the shared server, dropped with the
// test.
func Postgres(t testing.TB) *Database {
	t.Helper()
	return &Database{take(t, "postgres")}
}

// PostgresServer is a Postgres with fsync on, for one test or one run.
type PostgresServer struct {
	*server
	listens []string // addresses; the last is the one of its URL
}

// OwnPostgres is a server of the test's own, with a database named test. It is
// stopped with the test. Further addresses that it listens on are those of
// networks of this machine; its URL has the last.
func OwnPostgres(t testing.TB, addresses ...string) *PostgresServer {
	t.Helper()
	s, err := StartPostgres(addresses...)
	must(t, err)
	own(t, s.server)
	must(t, execute(s.URL("postgres"), "CREATE DATABASE test"))
	return s
}

// StartPostgres starts a server; Stop ends it and removes its data.
func StartPostgres(addresses ...string) (*PostgresServer, error) {
	return startPostgres(func(*PostgresServer) error { return nil }, addresses...)
}

// startPostgres prepares the place where the data will be, and starts a server.
func startPostgres(prepare func(*PostgresServer) error, addresses ...string) (*PostgresServer, error) {
	if err := install("postgresql"); err != nil {
		return nil, err
	}
	data, err := ask("template")
	if err != nil {
		return nil, err
	}
	s, err := newPostgres()
	if err != nil {
		return nil, err
	}
	if err := prepare(s); err != nil {
		s.Stop()
		return nil, err
	}
	if _, err := os.Stat(s.data()); err == nil {
		data += "/." // into what is there
	}
	if err := run(s.folder.path, os.Environ(), "cp", "-a", data, s.data()); err != nil {
		s.Stop()
		return nil, err
	}
	if len(addresses) > 0 {
		s.listens = append(s.listens, addresses...)
		err = s.admit()
	}
	return s, errors.Join(err, s.start())
}

// admit lets clients of the machine's own networks in, with a password.
func (s *PostgresServer) admit() error {
	file, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("host all,replication all samenet scram-sha-256\n")
	return errors.Join(err, file.Close())
}

func newPostgres() (*PostgresServer, error) {
	s, err := newServer("postgres", syscall.SIGINT)
	if err != nil {
		return nil, err
	}
	pg := &PostgresServer{s, []string{"127.0.0.1"}}
	s.boot = pg.boot
	return pg, nil
}

// template is the data directory of a server that has never run. Others start
// from a copy, which takes a fraction of the time.
type template struct{ folder *folder }

func newTemplate() (share, error) {
	if err := install("postgresql"); err != nil {
		return nil, err
	}
	f, err := newFolder("template")
	if err != nil {
		return nil, err
	}
	secret := filepath.Join(f.path, "password")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil {
		return nil, err
	}
	return template{f}, run(f.path, os.Environ(), filepath.Join(binaries(), "initdb"), "-D", filepath.Join(f.path, "data"), "-U", "postgres", "--pwfile", secret,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
}

func (t template) take(string) (string, error) { return filepath.Join(t.folder.path, "data"), nil }

func (t template) drop(string) error { return nil }

func (t template) Stop() { t.folder.remove() }

func (s *PostgresServer) data() string { return filepath.Join(s.folder.path, "data") }

// boot runs the server and waits until it answers. Right after a crash it may
// need several tries: the old one's shared memory is still there.
func (s *PostgresServer) boot() error {
	var err error
	for range 20 {
		s.p, err = spawn(s.folder.path, os.Environ(), filepath.Join(binaries(), "postgres"), "-D", s.data(), "-p", fmt.Sprint(s.port),
			"-c", "listen_addresses="+strings.Join(s.listens, ","), "-c", "unix_socket_directories="+s.folder.path, "-c", "max_connections=200", "-c", "wal_level=replica",
			"-c", "max_wal_senders=10", "-c", "hot_standby=on", "-c", "wal_log_hints=on")
		if err != nil {
			return err
		}
		if err = s.p.await("Postgres", func() error { return execute(s.URL("postgres"), "SELECT 1") }); err == nil {
			return nil
		}
		if !strings.Contains(s.Log(), "shared memory") {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// URL of one of the server's databases.
func (s *PostgresServer) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:%s@%s:%d/%s?sslmode=disable", password, s.listens[len(s.listens)-1], s.port, database)
}

// Replica is a streaming standby of the server, stopped with the test.
func (s *PostgresServer) Replica(t testing.TB) *PostgresServer {
	t.Helper()
	r, err := newPostgres()
	must(t, err)
	own(t, r.server)
	must(t, run(r.folder.path, append(os.Environ(), "PGPASSWORD="+password), filepath.Join(binaries(), "pg_basebackup"), "-h", "127.0.0.1", "-p", fmt.Sprint(s.port),
		"-U", "postgres", "-D", r.data(), "-R", "-X", "stream", "-C", "-S", fmt.Sprintf("r%d", r.port), "-c", "fast", "--no-sync"))
	must(t, r.boot())
	return r
}

// Synchronous has every commit wait for the server's replica, and returns when
// that is so.
func (s *PostgresServer) Synchronous(t testing.TB) {
	t.Helper()
	must(t, execute(s.URL("postgres"), "ALTER SYSTEM SET synchronous_standby_names = '*'"))
	must(t, execute(s.URL("postgres"), "SELECT pg_reload_conf()"))
	must(t, s.p.await("the replica", func() error {
		return execute(s.URL("postgres"), "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") // an error for none
	}))
}

// Lag has a replica apply what was committed that much later; 0: at once.
func (s *PostgresServer) Lag(t testing.TB, by time.Duration) {
	t.Helper()
	must(t, execute(s.URL("postgres"), fmt.Sprintf("ALTER SYSTEM SET recovery_min_apply_delay = %d", by.Milliseconds())))
	must(t, execute(s.URL("postgres"), "SELECT pg_reload_conf()"))
}

// Promote makes a replica a primary.
func (s *PostgresServer) Promote(t testing.TB) {
	t.Helper()
	must(t, execute(s.URL("postgres"), "SELECT pg_promote()"))
}

// take makes a database for a test, and drop removes it.
func (s *PostgresServer) take(name string) (string, error) {
	return s.URL(name), execute(s.URL("postgres"), "CREATE DATABASE "+name)
}

func (s *PostgresServer) drop(name string) error {
	return execute(s.URL("postgres"), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

func execute(url, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
