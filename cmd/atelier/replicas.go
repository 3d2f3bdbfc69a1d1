package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"atelier/actors"
	"atelier/messages"
	"atelier/persistence/postgres"
)

// replicaSettings say which servers follow the database.
type replicaSettings struct {
	ReplicaURLs string `name:"database-replica-urls" help:"Streaming standbys of the database, comma-separated: postgres://…. They answer lists of clients that say by Atelier-Consistency what they must see; all else is asked of the database itself. Give each node some, the same or others." placeholder:"URLS" env:"ATELIER_DATABASE_REPLICA_URLS" group:"Lists"`
}

// replicas are their URLs.
func (s *replicaSettings) replicas() (urls []string) {
	for url := range strings.SplitSeq(s.ReplicaURLs, ",") {
		if url = strings.TrimSpace(url); url != "" {
			urls = append(urls, url)
		}
	}
	return urls
}

// checkReplicas refuses URLs that cannot work.
func (s *settings) checkReplicas() error {
	urls := s.replicas()
	if len(urls) > 0 && s.embedded() {
		return errors.New("ATELIER_DATABASE_REPLICA_URLS needs Postgres: set ATELIER_DATABASE_URL, or leave it empty")
	}
	for i, url := range urls {
		replica := storeSettings{DatabaseURL: url}
		config, err := replica.postgres()
		if err == nil && s.Env == "production" && slices.Contains(defaultPasswords, config.Password) {
			return errors.New("in production the password of a replica must not be one that everybody tries: give its role another, and put that into ATELIER_DATABASE_REPLICA_URLS")
		}
		if err != nil {
			return fmt.Errorf("ATELIER_DATABASE_REPLICA_URLS: the URL number %d must be one such as postgres://user:password@host:5432/database: special characters in the password are written as %%40 and the like, a comma as %%2c", i+1)
		}
	}
	return nil
}

// floor is what a replica must have replayed before it may show a user what is his.
// Such a list is a decision about rights, and a position that a client brings may
// be older than what was taken from it since. So the barrier raises the floor on every
// node, before the reply of what revokes: to where the database is when a list is
// asked for next, which is behind the commit that revoked.
//
// One floor for all users is enough: replicas are milliseconds behind, and until one
// has come to the floor the primary is asked. Nothing need be remembered of anyone,
// however far behind a replica is.
type floor struct {
	lease    actors.Lease
	position func(context.Context) (messages.Position, error)
	marks    atomic.Int64 // revocations that have come to this node

	mu    sync.Mutex
	at    messages.Position // where the database was at or behind what follows
	era   int64             // of the lease; in another one the barrier may have passed this node by
	known int64             // marks
}

// Revoke raises the floor where a right in a project is among what is revoked.
func (f *floor) Revoke(marks []messages.Mark) {
	for _, m := range marks {
		if m.Project != "" {
			f.marks.Add(1)
			return
		}
	}
}

// stand is the floor, and whether it has held until now: nothing was revoked since,
// and if something was this node has heard of it. The zero position is that of a
// node that might not have heard.
func (f *floor) stand(ctx context.Context) (at messages.Position, held func() bool, err error) {
	era, trusted := f.lease.Trust()
	if !trusted {
		return at, nil, nil
	}
	known := f.marks.Load()
	held = func() bool {
		now, trusted := f.lease.Trust()
		return trusted && now == era && f.marks.Load() == known
	}
	f.mu.Lock()
	at = f.at
	current := f.era == era && f.known == known
	f.mu.Unlock()
	if current && at.Anywhere() {
		return at, held, nil
	}
	if at, err = f.position(ctx); err != nil {
		return at, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.era, f.known = at, era, known
	return at, held, nil
}

// guarded makes a query whose answer shows what its caller may see. Other lists are of
// what an entity or a role has let him see already.
func guarded[Q, R any](ctx context.Context, f *floor, q Q, ask func(context.Context, Q) (R, error)) (R, error) {
	at := messages.PositionFrom(ctx)
	if f == nil || !at.Anywhere() {
		return ask(ctx, q)
	}
	primary := messages.SeenFrom(ctx, messages.Position{})
	floor, held, err := f.stand(ctx)
	if at = at.With(floor); err != nil || !at.Anywhere() {
		return ask(primary, q)
	}
	answer, err := ask(messages.SeenFrom(ctx, at), q)
	if err == nil && held() {
		return answer, nil
	}
	return ask(primary, q)
}

// readReplicas adds what became of queries that replicas might have answered.
func (m *metrics) readReplicas(db *postgres.DB) {
	m.Counter("atelier_replica_reads_total", "Queries that a replica might have answered.", []string{"result"}, func(value func(float64, ...string)) {
		s := db.Replicas()
		value(float64(s.Served), "served")
		value(float64(s.Behind), "behind")
		value(float64(s.Failed), "failed")
	})
	m.Gauge("atelier_replicas_away", "Replicas that did not answer when they were asked last.", nil, one(func() int { return db.Replicas().Away }))
}
