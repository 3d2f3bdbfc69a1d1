// Package postgres keeps the truth in Postgres: it claims rows for activations,
// writes groups of commits in one round trip and answers queries.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"atelier/messages"
)

// Config says where the database is and how many connections to use.
type Config struct {
	URL     string // postgres://…
	Readers int32  // connections for queries; 0: four for each core
	Writers int32  // connections for commits; 0: 4
	Claims  int32  // connections for claims; 0: 8
	Relay   int32  // connections for the outbox; 0: 5

	Replicas []string     // postgres://…, streaming standbys; each has as many connections as Readers
	Log      *slog.Logger // of replicas that come and go; nil: nobody reads it

	// Instance tells processes apart that were given the same node name: none
	// runs beside another one of the same instance.
	Instance string

	Tracer pgx.QueryTracer // of the queries; nil: nobody samples
}

// Time-outs of one statement, enforced by the server. Writes end before those
// who wait for them give up: an answer is definite, silence is not. A row that
// someone holds keeps the whole group waiting, so that the time for locks is
// short. lock_timeout and statement_timeout in the URL go before them.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 3 * time.Second
	claimTimeout = 1500 * time.Millisecond
	relayTimeout = 5 * time.Second
	leaseTimeout = time.Second
	lockTimeout  = 500 * time.Millisecond
)

// DB is a database. It is safe for concurrent use.
type DB struct {
	instance string
	burials  atomic.Int64
	numbered atomic.Int64 // events, since the rows that they left were last cleared away

	reads  readers
	writes *pgxpool.Pool
	claims *pgxpool.Pool // apart: entities that wake up in a crowd keep no commit waiting
	leases *pgxpool.Pool // one connection: nothing may keep a renewal waiting
	relay  *pgxpool.Pool // apart: a backlog of events keeps nobody waiting
	users  shared[string, *messages.PublicUser]

	replicas  replicas
	positions shared[struct{}, messages.Position]
}

// rowByRow is for those who touch single rows of tables that grow from nothing:
// their plans are made once and by index, whatever the statistics say. They lock
// rows in the order of the index: in that of the heap, two nodes might deadlock.
var rowByRow = map[string]string{
	"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_nestloop": "off", "enable_mergejoin": "off",
}

// kept is for queries: a plan made anew each time costs more than most of them,
// and one that is kept must not go back to when a table was empty.
var kept = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}

// Open connects to a migrated database.
func Open(ctx context.Context, c Config) (_ *DB, err error) {
	db := &DB{instance: c.Instance, reads: readers{pulse: &pulse{}}}
	db.users.load, db.positions.load = db.loadPublicUsers, db.loadPosition
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	connections := cmp.Or(c.Readers, int32(4*runtime.GOMAXPROCS(0)))
	for _, pool := range []struct {
		is       **pgxpool.Pool
		size     int32
		timeout  time.Duration
		settings map[string]string
	}{
		{&db.reads.Pool, connections, readTimeout, kept},
		{&db.reads.pulse.Pool, pulseConnections, signOfLife, nil},
		{&db.writes, cmp.Or(c.Writers, 4), writeTimeout, rowByRow},
		{&db.claims, cmp.Or(c.Claims, 8), claimTimeout, rowByRow},
		{&db.leases, 1, leaseTimeout, nil},
		{&db.relay, cmp.Or(c.Relay, 5), relayTimeout, kept},
	} {
		if *pool.is, err = open(ctx, c.URL, pool.size, pool.timeout, pool.settings, c.Tracer); err != nil {
			return nil, err
		}
	}
	if err = db.checkDurability(ctx); err != nil {
		return nil, err
	}
	for _, url := range c.Replicas {
		r, err := openReplica(ctx, url, connections, c.Tracer, c.Log)
		if err != nil {
			return nil, err
		}
		db.replicas.all = append(db.replicas.all, r)
	}
	return db, nil
}

func open(ctx context.Context, url string, connections int32, timeout time.Duration, settings map[string]string, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	config, err := configure(url, connections, timeout, settings, tracer, pgconn.ValidateConnectTargetSessionAttrsPrimary) // a standby would answer queries, with the past
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := reach(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: connect: %w", err)
	}
	return pool, nil
}

func configure(url string, connections int32, timeout time.Duration, settings map[string]string, tracer pgx.QueryTracer, check pgconn.ValidateConnectFunc) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: the database URL cannot be read") // the cause would show the password
	}
	config.MaxConns = connections
	config.ConnConfig.Tracer = tracer
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = dialTime
	config.ConnConfig.DialFunc = dial
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = check
	}
	parameters := config.ConnConfig.RuntimeParams
	watched(parameters)
	parameters["jit"] = "off"
	parameters["application_name"] = "atelier"
	parameters["statement_timeout"] = cmp.Or(parameters["statement_timeout"], fmt.Sprint(timeout.Milliseconds()))
	parameters["lock_timeout"] = cmp.Or(parameters["lock_timeout"], fmt.Sprint(lockTimeout.Milliseconds()))
	parameters["idle_in_transaction_session_timeout"] = "10000"
	parameters["default_transaction_isolation"] = "read committed" // what the statements are written for
	if lazy {
		parameters["synchronous_commit"] = "off"
	}
	maps.Copy(parameters, settings)
	return config, nil
}

// patience is for a database that is busy when the node starts: it may recover, or
// start itself. One that is not there is an error at once.
const patience = 10 * time.Second

func reach(ctx context.Context, pool *pgxpool.Pool) error {
	for until := time.Now().Add(patience); ; {
		err := pool.Ping(ctx)
		if err == nil || ctx.Err() != nil || !(pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded)) || time.Now().After(until) {
			return err
		}
	}
}

// checkDurability refuses a database that reports commits before they are on the
// disk.
func (db *DB) checkDurability(ctx context.Context) error {
	var level string
	if err := db.writes.QueryRow(ctx, `SHOW synchronous_commit`).Scan(&level); err != nil {
		return wrap("synchronous_commit", err)
	}
	if level == "off" && !lazy {
		return errors.New("postgres: synchronous_commit is off: what clients were told is done could be lost; turn it on for this database or role")
	}
	return nil
}

// Close ends all connections.
func (db *DB) Close() {
	for _, pool := range []*pgxpool.Pool{db.relay, db.claims, db.writes, db.leases, db.reads.pulse.Pool, db.reads.Pool} {
		if pool != nil {
			pool.Close()
		}
	}
	for _, r := range db.replicas.all {
		r.pool.Close()
	}
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.reads.Ping(ctx) }

// LogID is the identity of the event log.
func (db *DB) LogID(ctx context.Context) (id string, err error) {
	err = db.reads.QueryRow(ctx, `SELECT log::text FROM installation`).Scan(&id)
	return id, wrap("log id", err)
}

// sweepBatch is how many rows are removed at a time, so that no lock is long.
const sweepBatch = 1000

// Sweep removes commands that expired before now, at most limit of them, and logs of
// attempts.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	for removed < limit {
		batch := min(limit-removed, sweepBatch)
		tag, err := db.writes.Exec(ctx, `
			DELETE FROM commands WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM commands WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, now, batch)
		if err != nil {
			return removed, wrap("sweep", err)
		}
		removed += int(tag.RowsAffected())
		if tag.RowsAffected() < int64(batch) {
			break
		}
	}
	if err := db.sweepAttempts(ctx, now, limit); err != nil {
		return removed, err
	}
	return removed, db.sweepTickets(ctx, now, limit)
}

// SweepSessions removes sessions that were opened before that time and are over, at
// most limit of them. Ids begin with the time: so they are found by their index.
func (db *DB) SweepSessions(ctx context.Context, openedBefore, now time.Time, limit int) (removed int, err error) {
	tag, err := db.writes.Exec(ctx, `
		DELETE FROM sessions WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM sessions WHERE id < $1 AND expires_at < $2 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))`,
		pgtype.UUID{Bytes: messages.FirstUUID(openedBefore), Valid: true}, now, limit)
	return int(tag.RowsAffected()), wrap("sweep sessions", err)
}

// asked is wrap for queries, whose errors reach clients: that the database could
// not be reached is said as such.
func asked(what string, err error) error {
	if err == nil || !unreachable(err) {
		return wrap(what, err)
	}
	return fmt.Errorf("postgres: %s: %w: %w", what, err, errUnreached)
}

// unreachable reports whether an error is one of the connection, or of a server
// that is starting, stopping, out of resources, kept waiting by a lock, or read-only
// since another took over.
func unreachable(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code == "25006" || answer.Code == "55P03" || slices.Contains([]string{"08", "53", "57", "58"}, answer.Code[:2])
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false // the caller's time
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("postgres: %s: %w", what, err)
}
