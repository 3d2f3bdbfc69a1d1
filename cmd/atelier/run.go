package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/actors"
	"atelier/actors/account"
	httpd "atelier/http"
	"atelier/identity"
	"atelier/identity/password"
	"atelier/identity/seal"
	"atelier/identity/token"
	"atelier/persistence/cache"
	"atelier/web"
)

const (
	drainTime       = 20 * time.Second // for requests in flight, then for commits in flight
	tokensCached    = 100_000
	passwordQueue   = 16 // sign-ins that may wait for each hashing slot
	maxInFlight     = 2_000
	sweepEvery      = 10 * time.Second
	sweepAtOnce     = 5_000
	mailsKept       = 24 * time.Hour      // after they were sent, to find out about them
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
	tokens := token.NewCache[checked](tokensCached, time.Now)
	lease, err := s.startRuntime(ctx, c, db, node, sealer, tokens)
	if err != nil {
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

// startEdge brings up what people reach: the flows, the API, the operations
// listener and, embedded, the administration.
func (s *server) startEdge(ctx context.Context, c settings, db *opened, lease lease, sealer *seal.Ring, tokens *token.Cache[checked]) error {
	logID, err := db.LogID(ctx)
	if err != nil {
		return err
	}
	ring, err := s.startKeys(ctx, db, sealer, lease, tokens)
	if err != nil {
		return err
	}
	s.mint = token.NewMint(ring, c.PublicURL)
	hasher := password.NewHasher(password.DefaultParams(), 0, passwordQueue)
	s.Flows = identity.New(identity.Config{Verification: c.Verification == "on", SessionLifetime: sessionLifetime}, identity.Deps{
		Accounts: s.clients.accounts, Sessions: s.clients.sessions, Directory: db, Policy: password.Check,
		Passwords: hasher, Tokens: s.mint, Validated: validated{tokens, lease, s.activity}, Post: s.letters, Projects: s.clients.projects, Invitations: db,
		Normalise: account.NormaliseEmail, Attempts: c.attempts(db, sealer.Derive("attempts"), lease.Now), Now: lease.Now,
	})
	if err := s.startMail(c, db, lease, sealer); err != nil {
		return err
	}
	proxies, err := c.proxies()
	if err != nil {
		return err
	}
	origins, err := c.origins()
	if err != nil {
		return err
	}
	limits, err := s.limits(c.limitSettings)
	if err != nil {
		return err
	}
	if err := s.startCache(c, db); err != nil {
		return err
	}
	s.metrics.readCache(s.cache)
	kept := newAuditing(db, sealer, lease.Now, s.log)
	s.background(kept.write)
	s.background(kept.chain)
	s.metrics.readAudit(kept)
	s.edge = httpd.New(httpd.Config{PublicURL: c.PublicURL, CursorKey: sealer.Derive("cursor"), CSRFKey: sealer.Derive("csrf"), TicketKey: sealer.Derive("ticket"), SessionLifetime: sessionLifetime, LogID: logID, MaxInFlight: maxInFlight, Proxies: proxies, Origins: origins, Verification: c.Verification == "on"}, httpd.Deps{
		Flows: s.Flows, Accounts: s.clients.accounts, Sessions: s.clients.sessions, Projects: s.clients.projects, Documents: s.clients.documents, Live: s.hub, Queries: newLists(db, s.floor, s.cache),
		Members: s.members, JWKS: ring.JWKS, Judge: password.Judge, Ready: readiness(db, lease), Now: lease.Now, Position: db.position, Audit: kept, Limits: limits, Holdings: s.holdings, Tickets: db,
		Web: web.Files(), Meter: s.metrics.requests, Tracer: s.tracer.requests(), Log: s.log,
	})
	s.metrics.readEdge(s.edge, hasher)
	if c.embedded() {
		if err := s.serveAdmin(c.DataDir); err != nil {
			return err
		}
	}
	return s.listen(c)
}

func (s *server) startKeys(ctx context.Context, db *opened, sealer *seal.Ring, now lease, tokens *token.Cache[checked]) (*token.Ring, error) {
	config := token.DefaultRingConfig(sessionLifetime)
	operators := token.NewRing(config, db.keys.as(byOperator), sealer, now.Now, s.log)
	config.Retired = tokens.Clear
	ring := token.NewRing(config, db.keys, sealer, now.Now, s.log)
	if err := ring.Start(ctx); err != nil {
		return nil, fmt.Errorf("%w (is ATELIER_MASTER_KEY the key that this database was set up with?)", err)
	}
	s.keys = func(ctx context.Context, order *keyOrder) (*keyReport, error) {
		report, err := order.carryOut(ctx, operators, sealer)
		if err != nil {
			return nil, err
		}
		if err := ring.Refresh(ctx); err != nil { // it looks again in a moment, as other nodes do
			s.log.Warn("an order about the keys of tokens was carried out, and is not known here yet", "error", err)
		}
		return report, nil
	}
	s.onStop(func(context.Context) error { ring.Stop(); return nil })
	return ring, nil
}

// sweep removes expired commands, sent mails and old values of the cache from time to
// time.
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
	sweeps := []func(limit int) (int, error){
		func(limit int) (int, error) { return db.Sweep(ctx, now, limit) },
		func(limit int) (int, error) { return db.SweepMails(ctx, now.Add(-mailsKept), limit) },
	}
	if db.cache != nil {
		sweeps = append(sweeps, func(limit int) (int, error) { return db.cache.SweepCache(ctx, limit) })
	}
	for _, sweep := range sweeps {
		if err := emptied(sweepAtOnce, sweep); err != nil {
			return err
		}
	}
	return nil
}

// emptied sweeps a part at a time, so that commits get their turn in between, until
// there is less than a part.
func emptied(limit int, sweep func(limit int) (removed int, err error)) error {
	for {
		if removed, err := sweep(limit); err != nil || removed < limit {
			return err
		}
	}
}

func readiness(db *opened, l lease) func(context.Context) []string {
	return func(ctx context.Context) (reasons []string) {
		if err := db.Ping(ctx); err != nil {
			reasons = append(reasons, "the database does not answer")
		}
		if !l.Held() {
			reasons = append(reasons, "the node's lease has lapsed")
		}
		return reasons
	}
}

// listen opens both listeners and answers on them.
func (s *server) listen(c settings) (err error) {
	if s.ops, err = net.Listen("tcp", c.OpsAddr); err != nil {
		return fmt.Errorf("the operations listener cannot be opened: %w (set ATELIER_OPS_ADDR)", err)
	}
	if s.api, err = net.Listen("tcp", c.HTTPAddr); err != nil {
		s.ops.Close()
		return fmt.Errorf("the API listener cannot be opened: %w (set ATELIER_HTTP_ADDR)", err)
	}
	ops := httpd.NewOps(s.edge.Ready, s.members, s.relay, s.metrics.Render)
	s.serve(ops, s.ops)
	go func() { s.failed <- s.edge.Serve(s.api) }()
	s.onStop(s.edge.Shutdown)
	return nil
}

// serve answers on a listener until the node stops. The listener is closed by
// itself too: a shutdown that overtakes the goroutine finds nothing to shut down.
func (s *server) serve(app *fiber.App, l net.Listener) {
	s.onStop(func(context.Context) error { _ = l.Close(); return nil })
	s.onStop(app.ShutdownWithContext)
	go func() { s.failed <- app.Listener(l) }()
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
