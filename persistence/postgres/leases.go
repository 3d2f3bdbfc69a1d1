package postgres

import (
	"context"
	"errors"
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

// Acquire begins a new incarnation of the node; an earlier one of the same name
// is no obstacle.
func (l *Leases) Acquire(ctx context.Context, name, cluster, address string, ttl time.Duration) (incarnation int64, now time.Time, err error) {
	err = l.db.leases.QueryRow(ctx, `
		INSERT INTO nodes AS n (name, incarnation, cluster, address, started_at, expires, dead, exclusive)
		VALUES ($1, 1, $2, $3, clock_timestamp(), clock_timestamp() + $4, false, false)
		ON CONFLICT (name) DO UPDATE SET incarnation = n.incarnation + 1, cluster = $2, address = $3, started_at = clock_timestamp(),
			expires = clock_timestamp() + $4, dead = false, exclusive = false
		RETURNING incarnation, clock_timestamp()`, name, cluster, address, ttl).Scan(&incarnation, &now)
	return incarnation, now, wrap("acquire lease", err)
}

// Renew prolongs the lease. Exclusivity is granted while there is no live node
// outside of the cluster, and kept until a renewal gives it up.
func (l *Leases) Renew(ctx context.Context, name string, incarnation int64, ttl time.Duration, exclusive bool) (now time.Time, others, granted bool, err error) {
	err = l.db.leases.QueryRow(ctx, `
		WITH others AS (SELECT EXISTS (SELECT 1 FROM nodes o, nodes me WHERE me.name = $1 AND o.name <> $1 AND NOT o.dead
			AND o.expires > clock_timestamp() AND (o.cluster = '' OR o.cluster <> me.cluster)) AS live)
		UPDATE nodes n SET expires = clock_timestamp() + $3, exclusive = $4 AND (n.exclusive OR NOT others.live)
		FROM others WHERE n.name = $1 AND n.incarnation = $2 AND NOT n.dead
		RETURNING clock_timestamp(), others.live, n.exclusive`, name, incarnation, ttl, exclusive).Scan(&now, &others, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, false, false, messages.Refuse(messages.CodeMoved, "the lease of node %s was buried or replaced", name)
	}
	return now, others, granted, wrap("renew lease", err)
}

// Bury ends the lease of a node that has not renewed it, for all and for good.
// After a start of Postgres nobody is buried for one TTL: no renewal could
// arrive before.
func (l *Leases) Bury(ctx context.Context, name string, ttl time.Duration) (buried bool, err error) {
	tag, err := l.db.claims.Exec(ctx, `
		UPDATE nodes SET dead = true, exclusive = false WHERE name = $1 AND NOT dead AND expires < clock_timestamp()
			AND pg_postmaster_start_time() < clock_timestamp() - $2::interval`, name, ttl)
	return tag.RowsAffected() > 0, wrap("bury", err)
}

// Leave ends the node's own lease.
func (l *Leases) Leave(ctx context.Context, name string, incarnation int64) error {
	_, err := l.db.leases.Exec(ctx, `
		UPDATE nodes SET dead = true, exclusive = false, expires = clock_timestamp() WHERE name = $1 AND incarnation = $2`, name, incarnation)
	return wrap("leave", err)
}
