package main

import (
	"context"
	"fmt"
	"net"

	"github.com/gofiber/fiber/v2"

	"atelier/actors/account"
	httpd "atelier/http"
	"atelier/identity"
	"atelier/identity/password"
	"atelier/identity/seal"
	"atelier/identity/token"
	"atelier/web"
)

// startEdge brings up what people reach: the flows, the API, the operations
// listener and, embedded, the administration.
func (s *server) startEdge(ctx context.Context, c settings, db *opened, lease lease, sealer *seal.Ring, tokens *token.Cache[checked]) error {
	logID, err := db.LogID(ctx)
	if err != nil {
		return err
	}
	ring, hasher, err := s.startFlows(ctx, c, db, lease, sealer, tokens)
	if err != nil {
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
	secure, err := c.secure(s.log)
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
	kept := s.startAudit(db, sealer, lease)
	s.edge = httpd.New(httpd.Config{PublicURL: c.PublicURL, CursorKey: sealer.Derive("cursor"), CSRFKey: sealer.Derive("csrf"), TicketKey: sealer.Derive("ticket"), SessionLifetime: sessionLifetime, LogID: logID, MaxInFlight: maxInFlight, Proxies: proxies, Origins: origins, Sockets: c.sockets(), Verification: c.Verification == "on", TLS: secure}, httpd.Deps{
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

// startFlows brings up registration, sign-in and what hangs on them: the keys that
// sign tokens, and mail.
func (s *server) startFlows(ctx context.Context, c settings, db *opened, lease lease, sealer *seal.Ring, tokens *token.Cache[checked]) (*token.Ring, *password.Hasher, error) {
	ring, err := s.startKeys(ctx, db, sealer, lease, tokens)
	if err != nil {
		return nil, nil, err
	}
	s.mint = token.NewMint(ring, c.PublicURL)
	hasher := password.NewHasher(password.DefaultParams(), 0, passwordQueue)
	s.Flows = identity.New(identity.Config{Verification: c.Verification == "on", SessionLifetime: sessionLifetime}, identity.Deps{
		Accounts: s.clients.accounts, Sessions: s.clients.sessions, Directory: db, Policy: password.Check,
		Passwords: hasher, Tokens: s.mint, Validated: validated{tokens, lease, s.activity}, Post: s.letters, Projects: s.clients.projects, Invitations: db,
		Normalise: account.NormaliseEmail, Attempts: c.attempts(db, sealer.Derive("attempts"), lease.Now), Now: lease.Now,
	})
	return ring, hasher, s.startMail(c, db, lease, sealer)
}

func (s *server) startAudit(db *opened, sealer *seal.Ring, lease lease) *auditing {
	kept := newAuditing(db, sealer, lease.Now, s.log)
	s.background(kept.write)
	s.background(kept.chain)
	s.metrics.readAudit(kept)
	return kept
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
	go func() { s.failed <- app.Listener(httpd.Patient(l, s.log)) }()
}
