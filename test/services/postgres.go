package services

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresVariable is the environment variable with the URL of the shared
// server, and TemplateVariable that with the data directory to copy for others.
const (
	PostgresVariable = "ATELIER_TEST_POSTGRES"
	TemplateVariable = "ATELIER_TEST_POSTGRES_TEMPLATE"
)

const postgresPassword = "private"

// Database is a database of one test.
type Database struct{ url string }

// URL is where it is: postgres://….
func (d *Database) URL() string { return d.url }

var databases atomic.Int64

// Postgres is a fresh, empty database on the shared server, dropped with the
// test.
func Postgres(t testing.TB) *Database {
	t.Helper()
	admin := os.Getenv(PostgresVariable)
	if admin == "" {
		own, err := shared()
		must(t, err)
		admin = own.URL("postgres")
	}
	name := fmt.Sprintf("t%d_%d_%d", os.Getpid(), time.Now().UnixNano()%1e9, databases.Add(1))
	must(t, execute(admin, "CREATE DATABASE "+name))
	t.Cleanup(func() { _ = execute(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u, err := url.Parse(admin)
	must(t, err)
	u.Path = "/" + name
	return &Database{u.String()}
}

// shared is the server of a process whose run did not bring one.
var shared = sync.OnceValues(func() (*PostgresServer, error) {
	say("starting Postgres for this test binary")
	return StartPostgres()
})

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

// PostgresServer is a Postgres with fsync on, for one test or one run.
type PostgresServer struct {
	dir  string
	port int
	p    *process
}

// OwnPostgres is a server of the test's own, with a database named test. It is
// stopped with the test.
func OwnPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s, err := StartPostgres()
	must(t, err)
	t.Cleanup(s.Stop)
	must(t, execute(s.URL("postgres"), "CREATE DATABASE test"))
	return s
}

// StartPostgres starts a server; Stop ends it and removes its data.
func StartPostgres() (*PostgresServer, error) {
	if err := Install("postgresql"); err != nil {
		return nil, err
	}
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	if err := s.initialise(); err != nil {
		return nil, err
	}
	return s, s.start()
}

func newServer() (*PostgresServer, error) {
	dir, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	return &PostgresServer{dir: dir, port: port}, err
}

// initialise makes the data directory: a copy of the run's, where there is one.
func (s *PostgresServer) initialise() error {
	if template := os.Getenv(TemplateVariable); template != "" {
		return run(s.dir, os.Environ(), "cp", "-a", template, s.data())
	}
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(postgresPassword), 0o644); err != nil {
		return err
	}
	return run(s.dir, os.Environ(), filepath.Join(binaries(), "initdb"), "-D", s.data(), "-U", "postgres", "--pwfile", password,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

// start runs the server and waits until it answers. Right after a crash it may
// need several tries: the old one's shared memory is still there.
func (s *PostgresServer) start() error {
	var err error
	for range 20 {
		s.p, err = spawn(s.dir, os.Environ(), filepath.Join(binaries(), "postgres"), "-D", s.data(), "-p", fmt.Sprint(s.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200", "-c", "wal_level=replica",
			"-c", "max_wal_senders=10", "-c", "hot_standby=on", "-c", "wal_log_hints=on")
		if err != nil {
			return err
		}
		if err = s.p.await("Postgres", func() error { return execute(s.URL("postgres"), "SELECT 1") }); err == nil {
			return nil
		}
		if !strings.Contains(s.p.log.String(), "shared memory") {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// URL of one of the server's databases.
func (s *PostgresServer) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/%s?sslmode=disable", postgresPassword, s.port, database)
}

// PID is the postmaster's.
func (s *PostgresServer) PID() int { return s.p.cmd.Process.Pid }

// Crash kills the whole server without a warning.
func (s *PostgresServer) Crash() { s.p.kill() }

// Restart starts the server again after Crash or Shutdown.
func (s *PostgresServer) Restart(t testing.TB) {
	t.Helper()
	must(t, s.start())
}

// Shutdown ends the server in order; its data stays.
func (s *PostgresServer) Shutdown() { s.p.end(syscall.SIGINT) }

// Freeze stops the server's clock, so to speak; Thaw lets it go on.
func (s *PostgresServer) Freeze() { s.p.signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (s *PostgresServer) Thaw() { s.p.signal(syscall.SIGCONT) }

// Stop ends the server and removes its data.
func (s *PostgresServer) Stop() {
	s.p.end(syscall.SIGINT)
	os.RemoveAll(s.dir)
}

// Replica is a streaming standby of the server, stopped with the test.
func (s *PostgresServer) Replica(t testing.TB) *PostgresServer {
	t.Helper()
	r, err := newServer()
	must(t, err)
	must(t, run(r.dir, append(os.Environ(), "PGPASSWORD="+postgresPassword), filepath.Join(binaries(), "pg_basebackup"), "-h", "127.0.0.1", "-p", fmt.Sprint(s.port),
		"-U", "postgres", "-D", r.data(), "-R", "-X", "stream", "-C", "-S", fmt.Sprintf("r%d", r.port), "-c", "fast", "--no-sync"))
	must(t, r.start())
	t.Cleanup(r.Stop)
	return r
}

// Promote makes a replica a primary.
func (s *PostgresServer) Promote(t testing.TB) {
	t.Helper()
	must(t, execute(s.URL("postgres"), "SELECT pg_promote()"))
}

// Template copies the data directory of a server that is shut down, for others
// to start from.
func Template() (dir string, err error) {
	if err := Install("postgresql"); err != nil {
		return "", err
	}
	s, err := newServer()
	if err != nil {
		return "", err
	}
	return s.data(), s.initialise()
}
