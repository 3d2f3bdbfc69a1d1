package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/messages"
)

// LeaseTTL is how long a node's lease lives without a renewal. All nodes of an
// installation use the same.
const LeaseTTL = 3 * time.Second

// Leases keeps the nodes' leases. Times are the database's.
type Leases struct{ db *DB }

// Leases of this database.
func (db *DB) Leases() *Leases { return &Leases{db} }

// looks is how often Acquire looks whether another instance's lease is over; all
// but two of them take a TTL.
const looks = 12

// Acquire begins a new incarnation of the node; an earlier one of the same
// instance is no obstacle. One of another instance that does not end within the
// TTL is alive: then the name is refused.
func (l *Leases) Acquire(ctx context.Context, name, cluster, address string, ttl time.Duration) (incarnation int64, now time.Time, err error) {
	if _, err := l.db.leases.Exec(ctx, noticed); err != nil {
		return 0, now, wrap("acquire lease", err)
	}
	for range looks {
		if incarnation, now, err = l.acquire(ctx, name, cluster, address, ttl); !errors.Is(err, pgx.ErrNoRows) {
			return incarnation, now, wrap("acquire lease", err)
		}
		if _, err = l.db.bury(ctx, name, ttl); err != nil {
			return 0, now, err
		}
		select {
		case <-time.After(ttl / (looks - 2)):
		case <-ctx.Done():
			return 0, now, nameTaken(name)
		}
	}
	return 0, now, nameTaken(name)
}

func nameTaken(name string) error {
	return fmt.Errorf("postgres: another process is node %s: give each a name of its own, or none", name)
}

func (l *Leases) acquire(ctx context.Context, name, cluster, address string, ttl time.Duration) (incarnation int64, now time.Time, err error) {
	err = l.db.leases.QueryRow(ctx, `
		INSERT INTO nodes AS n (name, incarnation, cluster, address, started_at, expires, dead, exclusive, struck, instance)
		VALUES ($1, 1, $2, $3, clock_timestamp(), clock_timestamp() + $4, false, false, false, $5)
		ON CONFLICT (name) DO UPDATE SET incarnation = n.incarnation + 1, cluster = $2, address = $3, started_at = clock_timestamp(),
			expires = clock_timestamp() + $4, dead = false, exclusive = false, struck = false, instance = $5 WHERE n.dead OR n.instance = $5
		RETURNING incarnation, clock_timestamp()`, name, cluster, address, ttl, l.db.instance).Scan(&incarnation, &now)
	return incarnation, now, err
}

// Renew prolongs the lease. Exclusivity is granted while there is no live node
// outside of the cluster, and kept until a renewal gives it up.
func (l *Leases) Renew(ctx context.Context, name string, incarnation int64, ttl time.Duration, exclusive bool) (now time.Time, others, granted bool, err error) {
	err = l.db.leases.QueryRow(ctx, `
		WITH others AS (SELECT EXISTS (SELECT 1 FROM nodes o, nodes me WHERE me.name = $1 AND o.name <> $1 AND NOT o.dead
			AND o.expires > clock_timestamp() AND (o.cluster = '' OR o.cluster <> me.cluster)) AS live)
		UPDATE nodes n SET expires = clock_timestamp() + $3, exclusive = $4 AND (n.exclusive OR NOT others.live)
		FROM others WHERE n.name = $1 AND n.incarnation = $2 AND NOT n.dead AND NOT n.struck
		RETURNING clock_timestamp(), others.live, n.exclusive`, name, incarnation, ttl, exclusive).Scan(&now, &others, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, false, false, messages.Refuse(messages.CodeMoved, "the lease of node %s was buried, struck or replaced", name)
	}
	return now, others, granted, wrap("renew lease", err)
}

// Strike refuses the incarnation all further renewals. Its lease runs out, and it
// knows that by its own clock; then it may be buried. Every revocation that waits for a
// hung node asks for it, which must keep no renewal waiting.
func (l *Leases) Strike(ctx context.Context, name string, incarnation int64) error {
	_, err := l.db.claims.Exec(ctx, `UPDATE nodes SET struck = true WHERE name = $1 AND incarnation = $2 AND NOT struck`, name, incarnation)
	return wrap("strike", err)
}

// Live lists the nodes of a cluster whose lease has neither ended nor run out,
// the oldest first. Every revocation asks, which must keep no renewal waiting.
func (l *Leases) Live(ctx context.Context, cluster string) ([]messages.LeasedNode, error) {
	rows, err := l.db.claims.Query(ctx, `
		SELECT name, incarnation, address, started_at, exclusive, struck FROM nodes
		WHERE cluster = $1 AND NOT dead AND expires > clock_timestamp() ORDER BY started_at, name`, cluster)
	if err != nil {
		return nil, wrap("live leases", err)
	}
	live, err := pgx.CollectRows(rows, pgx.RowToStructByPos[messages.LeasedNode])
	return live, wrap("live leases", err)
}

// bury ends the lease of a node that has not renewed it, for all and for good.
// After Postgres has started, or another server has taken over, nobody is buried
// for one TTL: no renewal could arrive before, and of those that the old server
// granted the new one may not know. A server that takes over begins a timeline,
// which the first who would bury someone writes down, or who takes a lease: nodes
// that have been there for a while are buried at once.
func (db *DB) bury(ctx context.Context, name string, ttl time.Duration) (buried bool, err error) {
	tag, err := db.claims.Exec(ctx, `
		WITH line AS (`+line+`), begun AS (`+begun+`)
		UPDATE nodes SET dead = true, exclusive = false FROM installation i, line
		WHERE name = $1 AND NOT dead AND expires < clock_timestamp()
			AND pg_postmaster_start_time() < clock_timestamp() - $2::interval
			AND i.timeline = line.timeline AND i.since < clock_timestamp() - $2::interval`, name, ttl)
	db.burials.Add(tag.RowsAffected())
	return tag.RowsAffected() > 0, wrap("bury", err)
}

const (
	line    = `SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline`
	begun   = `UPDATE installation i SET timeline = line.timeline, since = clock_timestamp() FROM line WHERE i.timeline IS DISTINCT FROM line.timeline`
	noticed = `WITH line AS (` + line + `) ` + begun
)

// Leave ends the node's own lease. The connection may have broken unnoticed since
// the last renewal: a second one is tried, since it does no harm to leave twice.
func (l *Leases) Leave(ctx context.Context, name string, incarnation int64) error {
	leave := func() error {
		_, err := l.db.leases.Exec(ctx, `
			UPDATE nodes SET dead = true, exclusive = false, expires = clock_timestamp() WHERE name = $1 AND incarnation = $2`, name, incarnation)
		return err
	}
	err := leave()
	if err != nil && unreachable(err) {
		err = leave()
	}
	return wrap("leave", err)
}
