package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/persistence/postgres"
	"atelier/test/services"
)

const (
	people     = 64     // users who sign in: one for each connection
	members    = 1_000  // users who only exist
	projects   = 10_000 // that pgbench picks from
	owned      = 100    // projects of the reader
	passphrase = "a passphrase of the bench 41"
	signedIn   = 8 * time.Minute // access tokens live 15
)

// rig is everything that is measured, running. Its site is the one that most cases
// ask.
type rig struct {
	site
	dir      string
	binary   string
	alone    string // URL of a database with the same tables, without the program
	admin    string // URL for making databases
	postgres *pgx.Conn
	echo     *child
	bus      *services.RabbitMQServer // nil until somebody needs it

	closing sync.Mutex // clusters start processes at the same time
	closers []func()
}

func newRig(ctx context.Context, o options) (_ *rig, err error) {
	r := &rig{binary: o.binary}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.dir, err = os.MkdirTemp("", "atelier-bench"); err != nil {
		return nil, err
	}
	r.onClose(func() { os.RemoveAll(r.dir) })
	if r.binary == "" {
		if err := r.build(ctx); err != nil {
			return nil, err
		}
	}
	return r, r.startPostgres(ctx)
}

// furnish starts what the contests need: the program and the bare Fiber, people
// and projects.
func (r *rig) furnish(ctx context.Context) error {
	if err := r.databases(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	address, err := services.Address()
	if err != nil {
		return err
	}
	if r.echo, err = r.start(ctx, address, "/hello", nil, self, "echo", address); err != nil {
		return err
	}
	if r.server, err = r.serve(ctx, r.ours); err != nil {
		return err
	}
	return r.populate(ctx, people, "")
}

func (r *rig) onClose(f func()) {
	r.closing.Lock()
	defer r.closing.Unlock()
	r.closers = append(r.closers, f)
}

func (r *rig) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// build makes the program the way it is shipped.
func (r *rig) build(ctx context.Context) error {
	progress("building the program")
	r.binary = filepath.Join(r.dir, "atelier")
	return compile(ctx, ".", r.binary, "./cmd/atelier")
}

func compile(ctx context.Context, folder, into, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", into, program)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build (run me in the module's root): %w\n%s", err, out)
	}
	return nil
}

// startPostgres starts the one Postgres that all work on.
func (r *rig) startPostgres(ctx context.Context) error {
	server, err := services.StartPostgres()
	if err != nil {
		return err
	}
	r.onClose(server.Stop)
	r.postmaster, r.admin = server.PID(), server.URL("postgres")
	if r.postgres, err = pgx.Connect(ctx, r.admin); err != nil {
		return err
	}
	r.onClose(func() { r.postgres.Close(context.Background()) })
	return nil
}

// databases makes two: one for the program, one for those who work on Postgres
// alone.
func (r *rig) databases(ctx context.Context) (err error) {
	if r.ours, err = r.database(ctx, "ours"); err != nil {
		return err
	}
	if r.alone, err = r.database(ctx, "alone"); err != nil {
		return err
	}
	return r.seed(ctx, r.alone, `INSERT INTO projects (id, name, owner_id, settings) SELECT `+numbered("n")+`, 'Project ' || n, `+numbered("1 + n % 1000")+`,
		'{"public":false,"max_collaborators":1000,"allow_comments":true}' FROM generate_series(1, $1) n`, projects)
}

// database makes one with the program's tables and the members.
func (r *rig) database(ctx context.Context, name string) (string, error) {
	name = fmt.Sprintf("bench_%d_%s", os.Getpid(), name)
	if _, err := r.postgres.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	r.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = r.postgres.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
	})
	u, err := url.Parse(r.admin)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	if _, err := postgres.Migrate(ctx, u.String()); err != nil {
		return "", err
	}
	return u.String(), r.seed(ctx, u.String(), `INSERT INTO users (id, email, name, status) SELECT `+numbered("n")+`, 'member' || n || '@example.com', 'Member ' || n, 'active'
		FROM generate_series(1, $1) n`, members)
}

// numbered is the id of the n-th row that the bench makes.
func numbered(n string) string {
	return `('00000000-0000-4000-8000-' || lpad(to_hex((` + n + `)::int), 12, '0'))::uuid`
}

func number(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func (r *rig) seed(ctx context.Context, url, statement string, arguments ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement, arguments...); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}
