package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"atelier/actors"
	httpd "atelier/http"
	"atelier/identity"
	"atelier/identity/token"
	"atelier/persistence/cache"
)

const (
	drainTime       = 20 * time.Second // for requests in flight, then for commits in flight
	tokensCached    = 100_000
	passwordQueue   = 16 // sign-ins that may wait for each hashing slot
	maxInFlight     = 2_000
	sweepEvery      = 10 * time.Second
	sweepAtOnce     = 5_000
	partTime        = 10 * time.Second    // for one part of such work
	mailsKept       = 24 * time.Hour      // after they were sent, to find out about them
	sessionsKept    = 30 * 24 * time.Hour // after they could have lasted
	sessionLifetime = 30 * 24 * time.Hour // from sign-in; refresh tokens and their keys live as long
)

// server is a running node. Parts are started in the order of its closers and
// stopped in reverse.
type server struct {
	log     *slog.Logger
	api     net.Listener
	ops     net.Listener
	edge    *httpd.Server
	closers []func(context.Context) error
	failed  chan error
	hurry   chan os.Signal // cuts the wait for balancers short

	metrics  *metrics
	tracer   *tracer // nil: nobody samples
	activity *activity
	peers    *peers // nil: alone
	members  *members
	relay    *eventRelay
	floor    *floor       // of replicas; nil: there are none
	cache    *cache.Cache // nil: nothing is kept
	clients  clients
	letters  *letterbox
	tender   *tender
	hub      *actors.Hub
	holdings *httpd.Holdings
	tendAs   func(actors.FolderConfig) // look after documents, from now on so
	mint     *token.Mint
	keys     func(context.Context, *keyOrder) (*keyReport, error) // carries out an operator's order
	Flows    *identity.Service
	NoAdmin  bool
}

// start brings up a node. When it returns without an error the node answers
// requests; stop ends it.
func start(ctx context.Context, c settings, log *slog.Logger) (_ *server, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &server{log: log, failed: make(chan error, 2), hurry: make(chan os.Signal, 1), metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	db, node, err := s.open(ctx, c)
	if err != nil {
		return nil, err
	}
	admin, err := db.AnyAdmin(ctx)
	if err != nil {
		return nil, err
	}
	s.NoAdmin = !admin
	if err := s.makeRelay(c, db, node); err != nil {
		return nil, err
	}
	sealer, err := c.masterKey()
	if err != nil {
		return nil, err
	}
	var lease lease
	tokens := token.NewCache[checked](tokensCached, func() time.Time { return lease.Now() })
	if lease, err = s.startRuntime(ctx, c, db, node, sealer, tokens); err != nil {
		return nil, err
	}
	s.startRelay(ctx, c, db, node)
	s.background(func(ctx context.Context) { s.sweep(ctx, db, lease.Now) })
	s.background(s.activity.run)
	if err := s.startEdge(ctx, c, db, lease, sealer, tokens); err != nil {
		return nil, err
	}
	if s.peers != nil {
		s.onStop(s.peers.Drain)
	}
	s.onStop(func(context.Context) error { // has a time of its own
		s.retire(c.DrainWait)
		return nil
	})
	return s, nil
}

// retire says that the node is not ready, and takes requests for as long as a
// balancer needs to notice, or until somebody is in a hurry.
func (s *server) retire(wait time.Duration) {
	s.edge.Retire()
	select {
	case <-time.After(wait):
	case <-s.hurry:
		s.log.Info("told to stop once more: no more requests are taken, those in flight are answered")
	}
}

// sweep removes expired commands, sent mails, sessions that are long over and old values
// of the cache from time to time.
func (s *server) sweep(ctx context.Context, db *opened, now func() time.Time) {
	every(ctx, sweepEvery, func() {
		if err := sweepAll(ctx, db, now()); err != nil && ctx.Err() == nil {
			s.log.Warn("what has expired was not removed", "error", err)
		}
	})
}

// every does something in intervals until ctx ends, for the first time after one.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// background runs a loop until the node stops.
func (s *server) background(loop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		loop(ctx)
	}()
	s.onStop(func(context.Context) error { cancel(); <-done; return nil })
}

// sweepAll removes what has expired.
func sweepAll(ctx context.Context, db *opened, now time.Time) error {
	sweeps := []func(ctx context.Context, limit int) (int, error){
		func(ctx context.Context, limit int) (int, error) { return db.Sweep(ctx, now, limit) },
		func(ctx context.Context, limit int) (int, error) {
			return db.SweepMails(ctx, now.Add(-mailsKept), limit)
		},
		func(ctx context.Context, limit int) (int, error) {
			return db.SweepSessions(ctx, now.Add(-sessionLifetime-sessionsKept), now, limit)
		},
	}
	if db.cache != nil {
		sweeps = append(sweeps, db.cache.SweepCache)
	}
	for _, sweep := range sweeps {
		if err := emptied(ctx, sweepAtOnce, sweep); err != nil {
			return err
		}
	}
	return nil
}

// emptied sweeps a part at a time, so that commits get their turn in between, until
// there is less than a part. Each has a bounded time: else a database that has vanished
// would keep its connection for many minutes.
func emptied(ctx context.Context, limit int, sweep func(ctx context.Context, limit int) (removed int, err error)) error {
	for {
		part, cancel := context.WithTimeout(ctx, partTime)
		removed, err := sweep(part, limit)
		cancel()
		if err != nil || removed < limit {
			return err
		}
	}
}

func (s *server) onStop(f func(context.Context) error) { s.closers = append(s.closers, f) }

// stop ends the node, last part first: no new requests, those accepted are
// answered, what was decided is committed, the lease is given back.
func (s *server) stop() error {
	var all error
	for i := len(s.closers) - 1; i >= 0; i-- {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		all = errors.Join(all, s.closers[i](ctx))
		cancel()
	}
	s.closers = nil
	return all
}
