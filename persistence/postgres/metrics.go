package postgres

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool is how busy the connections of one purpose are.
type Pool struct {
	Name       string // reads, writes, claims, leases, outbox, pulse or replica-1 …
	Busy, Idle int32
	Max        int32
	Waits      int64         // since the start, for a connection that was not free
	Waited     time.Duration // since the start, all of them together
}

// Pools are all connections.
func (db *DB) Pools() []Pool {
	pool := func(name string, p *pgxpool.Pool) Pool {
		s := p.Stat()
		return Pool{Name: name, Busy: s.AcquiredConns(), Idle: s.IdleConns(), Max: s.MaxConns(), Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime()}
	}
	pools := []Pool{pool("reads", db.reads.Pool), pool("writes", db.writes), pool("claims", db.claims), pool("leases", db.leases), pool("outbox", db.relay), pool("pulse", db.reads.pulse.Pool)}
	for i, r := range db.replicas.all {
		pools = append(pools, pool("replica-"+strconv.Itoa(i+1), r.pool))
	}
	return pools
}

// Burials is how many lapsed leases of other nodes this one has ended.
func (db *DB) Burials() int64 { return db.burials.Load() }
