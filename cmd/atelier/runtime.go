package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelier/actors"
	"atelier/cluster"
	httpd "atelier/http"
	"atelier/identity/seal"
	"atelier/identity/token"
	"atelier/messages"
)

type clients struct {
	accounts  *actors.Accounts
	sessions  *actors.Sessions
	projects  *actors.Projects
	documents *actors.Documents
}

func clientsOf(c actors.Caller, db actors.DocumentStore) clients {
	return clients{actors.NewAccounts(c), actors.NewSessions(c), actors.NewProjects(c), actors.NewDocuments(c, db)}
}

// lease is what a node knows of its right to answer.
type lease interface {
	actors.Lease
	Held() bool
}

// lockLease is the lease of an embedded node: the lock of its data directory.
type lockLease struct{}

func (lockLease) Now() time.Time       { return time.Now() }
func (lockLease) Trust() (int64, bool) { return 1, true }
func (lockLease) Held() bool           { return true }

// startRuntime brings up the entities, the lease that lets them answer and, in a
// cluster, the connections to the other nodes.
func (s *server) startRuntime(ctx context.Context, c settings, db *opened, node string, sealer *seal.Ring, tokens *token.Cache[checked]) (lease, error) {
	var runtime *actors.Runtime
	lease, leased := s.makeLease(c, db, node, func() { runtime.Forget() })
	if db.position != nil {
		s.floor = &floor{position: db.position, lease: lease}
	}
	s.holdings = httpd.NewHoldings(lease)
	s.letters = &letterbox{db: db, now: lease.Now}
	s.tender = &tender{}
	more := newRaised(s.holdings, s.peers)
	s.activity = newActivity(s.peers)
	deps := actors.Deps{
		Node: node, Lease: lease, Hints: hints{s.metrics, s.relay, s.letters, s.tender, more}, Meter: s.metrics.entities, Tracer: s.tracer.commands(),
		Seal: sealer.Seal, Log: s.log,
	}
	s.connect(&deps, db, barrier{tokens, func(m []messages.Mark) { runtime.Revoke(m) }, s.floor, s.holdings, db.FenceDocument, s.log})
	runtime = newRuntime(deps, db)
	s.members = &members{node: node, peers: s.peers, lease: lease, census: func() map[string]int64 { return census(runtime) }, since: time.Now()}
	s.measure(db, runtime, leased)
	if err := s.joinOthers(ctx, runtime, leased); err != nil {
		return nil, errors.Join(err, runtime.Stop(ctx))
	}
	runtime.Start()
	s.onStop(s.hub.Stop)
	s.onStop(runtime.Stop)
	s.background(s.hub.Run)
	s.background(more.run)
	var caller actors.Caller = actors.NewLocal(runtime)
	if s.peers != nil {
		caller = everywhere{s.peers.caller}
		s.peers.gate.Open()
	}
	s.clients = clientsOf(caller, db)
	s.tend(runtime, db, lease.Now)
	return lease, nil
}

// makeLease makes the lease, which joinOthers takes, and in a cluster what joins
// the node to it. Leased is nil where the lease is a lock.
func (s *server) makeLease(c settings, db *opened, node string, forget func()) (_ lease, leased *cluster.Lease) {
	if db.leases == nil {
		return lockLease{}, nil
	}
	timing := cluster.DefaultLeaseConfig(node)
	if c.clustered() {
		s.peers = &peers{settings: c.clusterSettings, node: node, leases: db.leases, metrics: s.metrics, log: s.log}
		timing.Cluster, timing.Address, timing.View = c.ClusterName, s.peers.address, s.peers.view
	}
	leased = cluster.NewLease(timing, db.leases, forget, s.log)
	if s.peers != nil {
		s.peers.now = leased.Now
	}
	return leased, leased
}

// connect gives entities the ways to whoever hears of what they commit: the barrier,
// of which here is this node's part, the hub and, in a cluster, the other nodes.
func (s *server) connect(deps *actors.Deps, db *opened, here barrier) {
	var others actors.Hubs
	deps.Barrier = here
	if s.peers != nil {
		s.peers.barrier = here
		deps.Peers, deps.Barrier, others = neighbours{s.peers}, clusterBarrier{s.peers}, hubs{s.peers}
	}
	deps.Barrier = timed{deps.Barrier, s.metrics.nodes}
	s.hub = actors.NewHub(deps.Node, db, others, s.log)
	s.metrics.readHub(s.hub.Stats)
	deps.Hub = s.hub
}

func newRuntime(deps actors.Deps, db *opened) *actors.Runtime {
	config := actors.DefaultConfig()
	config.Committer.Writers = db.writers
	runtime := actors.New(config, deps, db)
	actors.AddAccounts(runtime, db.Accounts())
	actors.AddSessions(runtime, db.Sessions())
	actors.AddProjects(runtime, db.Projects())
	actors.AddDocuments(runtime, db.Documents())
	return runtime
}

// joinOthers finds the other nodes, and then takes the lease.
func (s *server) joinOthers(ctx context.Context, runtime *actors.Runtime, leased *cluster.Lease) error {
	if s.peers != nil {
		s.peers.runtime, s.peers.activity, s.peers.hub = runtime, s.activity, s.hub
		if err := s.peers.start(ctx, s); err != nil {
			return err
		}
	}
	if leased == nil {
		return nil
	}
	if err := leased.Start(ctx); err != nil {
		return fmt.Errorf("the node's lease cannot be taken: %w", err)
	}
	s.onStop(leased.Stop)
	return nil
}
