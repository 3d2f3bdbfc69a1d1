package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"atelier/messages"
)

// Replicas answer queries for those who say what they must see. A query goes to
// one that has replayed it, and to the primary where none has or none answers;
// what decides something is asked of the primary whatever the context says.
//
// How far a replica has come is asked on the connection that is to be used, and
// remembered with it: a connection ends with its server, which never goes back.
// Replicas are not watched by anyone. One that fails is left alone for a second;
// after that one query tries it again.

// replicaTime is what a query may take on a replica. After that the primary is
// asked: nobody waits for a replica as long as for the database.
const replicaTime = 2 * time.Second

// leftAlone is for how long a replica that failed is not asked, and restful for
// how long one that was behind is not asked for the same again.
const (
	leftAlone = time.Second
	restful   = 10 * time.Millisecond
)

// querier is whoever answers queries: the primary, or a replica.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

type replica struct {
	pool *pgxpool.Pool
	host string
	log  *slog.Logger

	retry  atomic.Int64                      // ns since the epoch: not asked before that
	away   atomic.Bool                       // it failed when it was asked last
	behind atomic.Pointer[messages.Position] // where it was when it was asked for more
	rested atomic.Int64                      // ns since the epoch: not asked for more before that
}

// ReplicaStats is what became of queries that a replica might have answered.
type ReplicaStats struct {
	Served int64 // answered by a replica
	Behind int64 // asked of the primary, since no replica had come so far
	Failed int64 // asked of the primary, since a replica did not answer
	Away   int   // replicas that did not answer when they were asked last
}

type replicas struct {
	all                    []*replica
	next                   atomic.Uint32
	served, behind, failed atomic.Int64
}

// openReplica does not connect yet: a node starts without its replicas.
func openReplica(ctx context.Context, url string, size int32, tracer pgx.QueryTracer, log *slog.Logger) (*replica, error) {
	config, err := configure(url, size, readTimeout, kept, tracer, pgconn.ValidateConnectTargetSessionAttrsStandby)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: replica: %w", err)
	}
	server := config.ConnConfig
	return &replica{pool: pool, host: net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port))), log: log}, nil
}

// anywhere asks a replica that has come to the context's position, or the primary.
func anywhere[Q, R any](ctx context.Context, db *DB, q Q, ask func(context.Context, querier, Q) (R, error)) (R, error) {
	at := messages.PositionFrom(ctx)
	if heedless {
		at = messages.Position{}
	}
	if all := db.replicas.all; len(all) > 0 && (at.Anywhere() || heedless) {
		first, end := int(db.replicas.next.Add(1)), &db.replicas.behind
		for i := range all {
			answer, reached, err := onReplica(ctx, all[(first+i)%len(all)], at, q, ask)
			if reached && err == nil {
				db.replicas.served.Add(1)
				return answer, nil
			}
			if err != nil {
				end = &db.replicas.failed
			}
		}
		end.Add(1)
	}
	return ask(ctx, db.reads, q)
}

// onReplica asks one replica, if it has come to the position. What fails here is
// asked of the primary, which knows why.
func onReplica[Q, R any](ctx context.Context, r *replica, at messages.Position, q Q, ask func(context.Context, querier, Q) (R, error)) (answer R, reached bool, err error) {
	if r.alone() {
		return answer, false, errAway
	}
	if r.hopeless(at) {
		return answer, false, nil
	}
	within, cancel := context.WithTimeout(ctx, replicaTime)
	defer cancel()
	conn, err := r.pool.Acquire(within)
	if err == nil {
		defer conn.Release()
		reached, err = r.reached(within, conn.Conn(), at)
	}
	if reached && err == nil {
		answer, err = ask(within, conn, q)
	}
	switch {
	case err == nil:
		r.answered()
	case ctx.Err() == nil: // its own fault
		r.failed(err)
	}
	return answer, reached, err
}

var errAway = errors.New("it did not answer a moment ago")

// alone reports whether the replica is left alone. Of those who come when that was
// for long enough, one tries it.
func (r *replica) alone() bool {
	until, now := r.retry.Load(), time.Now().UnixNano()
	return until != 0 && (now < until || !r.retry.CompareAndSwap(until, now+int64(leftAlone)))
}

// hopeless reports whether the replica has said a moment ago that it has not come so
// far. Of those who come after that, one asks again.
func (r *replica) hopeless(at messages.Position) bool {
	if behind := r.behind.Load(); behind == nil || behind.Covers(at) {
		return false
	}
	until, now := r.rested.Load(), time.Now().UnixNano()
	return now < until || !r.rested.CompareAndSwap(until, now+int64(restful))
}

// replayed is where a standby is. Its timeline is that of its last checkpoint, which
// may be an old one for some minutes after another server has taken over: then the
// primary is asked.
const replayed = `SELECT (SELECT timeline_id FROM pg_control_checkpoint())::bigint, (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0'::pg_lsn)::bigint WHERE pg_is_in_recovery()`

var errNoStandby = errors.New("it is no standby")

// reached reports whether the connection's server has replayed what is at or before
// the position. What it remembers belongs to the connection.
func (r *replica) reached(ctx context.Context, conn *pgx.Conn, at messages.Position) (bool, error) {
	if heedless {
		return true, nil
	}
	known, _ := conn.PgConn().CustomData()[positionKey].(messages.Position)
	if known.Covers(at) {
		return true, nil
	}
	now, err := readPosition(ctx, conn, replayed)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNoStandby
	}
	if err != nil {
		return false, err
	}
	conn.PgConn().CustomData()[positionKey] = now
	if now.Covers(at) {
		r.behind.Store(nil)
		return true, nil
	}
	r.rested.Store(time.Now().Add(restful).UnixNano())
	r.behind.Store(&now)
	return false, nil
}

const positionKey = "atelier position"

func readPosition(ctx context.Context, from querier, query string) (p messages.Position, err error) {
	rows, err := from.Query(ctx, query)
	if err != nil {
		return p, err
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (p messages.Position, err error) {
		var timeline, lsn int64
		err = row.Scan(&timeline, &lsn)
		return messages.Position{Timeline: uint32(timeline), LSN: uint64(lsn)}, err
	})
}

func (r *replica) failed(err error) {
	r.retry.Store(time.Now().Add(leftAlone).UnixNano())
	if !r.away.Swap(true) {
		r.log.Warn("a replica does not answer; the primary does", "replica", r.host, "error", err)
	}
}

func (r *replica) answered() {
	r.retry.Store(0)
	if r.away.Swap(false) {
		r.log.Info("a replica answers again", "replica", r.host)
	}
}

// reachedNow is where the primary is: all that it has reported as committed is on its
// disk, at or before that.
const reachedNow = `SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint, (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint`

// Position is where the database is now: what was committed before Position was
// called is at or before it. The zero position means that there is no replica, and
// nothing to tell positions for.
func (db *DB) Position(ctx context.Context) (messages.Position, error) {
	if len(db.replicas.all) == 0 {
		return messages.Position{}, nil
	}
	found, err := db.positions.get(ctx, []struct{}{{}})
	return found[struct{}{}], asked("position", err)
}

func (db *DB) loadPosition(ctx context.Context, _ []struct{}) (map[struct{}]messages.Position, error) {
	p, err := readPosition(ctx, db.reads, reachedNow)
	return map[struct{}]messages.Position{{}: p}, err
}

// Replicas is what became of queries that replicas might have answered.
func (db *DB) Replicas() ReplicaStats {
	s := ReplicaStats{Served: db.replicas.served.Load(), Behind: db.replicas.behind.Load(), Failed: db.replicas.failed.Load()}
	for _, r := range db.replicas.all {
		if r.away.Load() {
			s.Away++
		}
	}
	return s
}
