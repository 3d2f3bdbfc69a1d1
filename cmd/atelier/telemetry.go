package main

import (
	"context"
	"strconv"
	"time"

	"atelier/actors"
	"atelier/actors/outbox"
	"atelier/actors/outbox/mail"
	"atelier/actors/store"
	"atelier/cluster"
	httpd "atelier/http"
	"atelier/identity/password"
	"atelier/messages"
	"atelier/persistence/postgres"
	"atelier/telemetry"
)

// metrics are those of a node, by who tells them.
type metrics struct {
	*telemetry.Registry
	requests *telemetry.Requests
	entities *telemetry.Entities
	calls    *telemetry.Calls
	nodes    telemetry.Nodes
	outbox   *telemetry.Outbox
	mails    *telemetry.Mails
}

func newMetrics() *metrics {
	r := telemetry.New(version)
	queues := r.Overloads(actors.QueueEntity, actors.QueueCommits, actors.QueueEntities, cluster.QueuePeer, cluster.QueueGate, httpd.QueueEdge)
	return &metrics{
		Registry: r, requests: r.Requests(queues, httpd.BudgetAddress, httpd.BudgetUser, httpd.BudgetSockets), nodes: r.Nodes(), outbox: r.Outbox(),
		mails:    r.Mails(mail.Sent, mail.Answered, mail.Refused, mail.Expired, mail.Failed),
		entities: r.Entities(queues, store.Account, store.Session, store.Project, store.Document),
		calls: r.Calls(queues, cluster.ResultAnswered, cluster.ResultMoved, cluster.ResultUnknown, cluster.ResultTimeout,
			cluster.ResultOverloaded, cluster.ResultFailed),
	}
}

// Committed implements actors.Hints.
func (m *metrics) Committed(kind store.Kind, _ string, events []messages.Event) {
	if kind != store.Project {
		return
	}
	for _, event := range events {
		if _, created := event.(*messages.ProjectCreated); created {
			m.nodes.ProjectsCreated.Inc()
		}
	}
}

// timed is a barrier whose time is measured.
type timed struct {
	actors.Barrier
	nodes telemetry.Nodes
}

// Revoke implements actors.Barrier.
func (t timed) Revoke(marks []messages.Mark, done func()) {
	began := time.Now()
	t.Barrier.Revoke(marks, func() {
		t.nodes.Revocations.Observe(time.Since(began).Seconds())
		done()
	})
}

// one is a reading of one value without labels.
func one[N int64 | int | float64](read func() N) func(func(float64, ...string)) {
	return func(value func(float64, ...string)) { value(float64(read())) }
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// measure adds what is looked up below the edge.
func (s *server) measure(db *opened, runtime *actors.Runtime, leased *cluster.Lease) {
	s.metrics.readRuntime(runtime, s.activity)
	s.metrics.readLease(leased)
	s.metrics.readMails(db)
	if pg, is := db.engine.(*postgres.DB); is {
		s.metrics.readPostgres(pg)
	}
}

// readRuntime adds what is looked up in the runtime and its users.
func (m *metrics) readRuntime(r *actors.Runtime, a *activity) {
	m.Gauge("atelier_entities", "Entities in memory.", []string{"kind"}, func(value func(float64, ...string)) {
		for kind, n := range r.Census() {
			value(float64(n), string(kind))
		}
	})
	m.Gauge("active_users_total", "Users with an authenticated request in the last five minutes whose account is this node's.", nil, one(a.active))
}

// readEdge adds what is looked up in the edge and in what it stands on.
func (m *metrics) readEdge(edge *httpd.Server, hasher *password.Hasher) {
	m.Gauge("atelier_http_requests_in_flight", "Requests that are being answered.", nil, one(edge.InFlight))
	m.Gauge("atelier_sockets", "Open sockets.", nil, one(edge.Sockets))
	m.Counter("atelier_sockets_closed_total", "Sockets that have ended, by the code that they were closed with.", []string{"code"}, func(value func(float64, ...string)) {
		for code, n := range edge.SocketsClosed() {
			value(float64(n), strconv.Itoa(code))
		}
	})
	m.Gauge("atelier_password_hash_slots", "Passwords that can be hashed at one time.", nil, one(func() int { return hasher.Load().Slots }))
	m.Gauge("atelier_password_hashes", "Passwords that are being hashed, and that wait for it.", []string{"state"}, func(value func(float64, ...string)) {
		load := hasher.Load()
		value(float64(load.Hashing), "hashing")
		value(float64(load.Waiting), "waiting")
	})
	m.Counter("atelier_password_hashes_refused_total", "Passwords that were not hashed because too many waited.", nil, one(func() int64 { return hasher.Load().Refused }))
}

// readHub adds what is looked up in the hub.
func (m *metrics) readHub(stats func() actors.HubStats) {
	of := func(read func(actors.HubStats) int64) func(func(float64, ...string)) {
		return one(func() int64 { return read(stats()) })
	}
	m.Gauge("atelier_live_topics", "Projects and documents that are watched on this node.", nil, of(func(s actors.HubStats) int64 { return s.Topics }))
	m.Gauge("atelier_live_watchers", "Who watches them on this node.", nil, of(func(s actors.HubStats) int64 { return s.Watchers }))
	m.Gauge("atelier_live_subscribed", "Projects and documents of this node that other nodes watch.", nil, of(func(s actors.HubStats) int64 { return s.Subscribed }))
	m.Gauge("atelier_live_rooms", "Projects of which this node merges who is there.", nil, of(func(s actors.HubStats) int64 { return s.Rooms }))
	m.Gauge("atelier_live_waiting", "Things that wait to be told to other nodes.", nil, of(func(s actors.HubStats) int64 { return s.Waiting }))
	m.Counter("atelier_live_published_total", "Events and updates committed here that somebody watches.", nil, of(func(s actors.HubStats) int64 { return s.Published }))
	m.Counter("atelier_live_told_total", "Events and updates told to those who watch here, each once for the node.", nil, of(func(s actors.HubStats) int64 { return s.Told }))
	m.Counter("atelier_live_signals_total", "Signals that began here.", nil, of(func(s actors.HubStats) int64 { return s.Signals }))
	m.Counter("atelier_live_pushes_total", "Messages to other nodes about what they watch.", nil, of(func(s actors.HubStats) int64 { return s.Pushes }))
	m.Counter("atelier_live_dropped_total", "Things left out of them, or of what waits here. What was committed is read from the log then.", nil, of(func(s actors.HubStats) int64 { return s.Dropped }))
	m.Counter("atelier_live_filled_total", "Events and updates that were missing here and read from the log.", nil, of(func(s actors.HubStats) int64 { return s.Filled }))
	m.Counter("atelier_live_unfilled_total", "Attempts to read them that failed.", nil, of(func(s actors.HubStats) int64 { return s.Unfilled }))
	m.Counter("atelier_live_lost_total", "Who watched and had to begin anew, since what was missing is not in the log any more.", nil, of(func(s actors.HubStats) int64 { return s.Lost }))
	m.Counter("atelier_live_refused_total", "Subscriptions that another node did not take.", nil, of(func(s actors.HubStats) int64 { return s.Refused }))
}

// readOutbox adds what is looked up in the relay of the outbox.
func (m *metrics) readOutbox(status func() outbox.Status) {
	m.Gauge("atelier_outbox_shards", "Shards of the outbox that this node relays.", nil, one(func() int { return status().Shards }))
	m.Gauge("atelier_outbox_unsent", "Events that wait to be sent, in these shards.", nil, one(func() int { return status().Backlog.Unsent }))
	m.Gauge("atelier_outbox_lag_seconds", "Age of the oldest of them.", nil, one(func() float64 { return status().Backlog.Oldest.Seconds() }))
	m.Gauge("atelier_outbox_parked_streams", "Streams of these shards that have stopped at an event that cannot be sent.", nil, one(func() int { return status().Backlog.Parked }))
	m.Gauge("atelier_outbox_away_seconds", "For how long nothing could be sent; 0 while it can.", nil, one(func() float64 { return status().Away.Seconds() }))
}

// readMails adds what is looked up in the table of mails.
func (m *metrics) readMails(db engine) {
	m.Gauge("atelier_mails_waiting", "Mails that are to be sent, of all nodes.", nil, func(value func(float64, ...string)) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if waiting, err := db.WaitingMails(ctx); err == nil {
			value(float64(waiting))
		}
	})
}

// readLease adds the lease's metrics. The lease of an embedded node, the lock of
// its data directory, is always held.
func (m *metrics) readLease(l *cluster.Lease) {
	stats := func() cluster.LeaseStats { return cluster.LeaseStats{Held: true, Exclusive: true} }
	if l != nil {
		stats = l.Stats
		m.Gauge("atelier_lease_remaining_seconds", "For how long the lease is good without a renewal.", nil, one(func() float64 { return stats().Remaining.Seconds() }))
	}
	m.Gauge("atelier_lease_held", "1 while the node may answer, else 0.", nil, one(func() float64 { return oneIf(stats().Held) }))
	m.Gauge("atelier_lease_exclusive", "1 while the node answers from memory, 0 while it asks the database first.", nil, one(func() float64 { return oneIf(stats().Exclusive) }))
	m.Counter("atelier_lease_lost_total", "Leases of this node that lapsed.", nil, one(func() int64 { return stats().Lost }))
	m.Counter("atelier_lease_strikes_total", "Leases of nodes that this one did not reach and had end.", nil, one(func() int64 { return stats().Strikes }))
}

// readPostgres adds the metrics of the database's connections.
func (m *metrics) readPostgres(db *postgres.DB) {
	m.readReplicas(db)
	m.Counter("atelier_lease_burials_total", "Lapsed leases of other nodes that this one ended.", nil, one(db.Burials))
	pools := func(read func(p postgres.Pool, value func(float64, ...string))) func(func(float64, ...string)) {
		return func(value func(float64, ...string)) {
			for _, p := range db.Pools() {
				read(p, value)
			}
		}
	}
	m.Gauge("atelier_database_connections", "Connections to the database, in use and idle.", []string{"pool", "state"}, pools(func(p postgres.Pool, value func(float64, ...string)) {
		value(float64(p.Busy), p.Name, "busy")
		value(float64(p.Idle), p.Name, "idle")
	}))
	m.Gauge("atelier_database_connections_max", "Connections that a pool may have.", []string{"pool"}, pools(func(p postgres.Pool, value func(float64, ...string)) { value(float64(p.Max), p.Name) }))
	m.Counter("atelier_database_waits_total", "Times that no connection was free.", []string{"pool"}, pools(func(p postgres.Pool, value func(float64, ...string)) { value(float64(p.Waits), p.Name) }))
	m.Counter("atelier_database_wait_seconds_total", "Time spent waiting for a connection.", []string{"pool"}, pools(func(p postgres.Pool, value func(float64, ...string)) { value(p.Waited.Seconds(), p.Name) }))
}

// readCluster adds what is looked up in the view of the cluster.
func (m *metrics) readCluster(c *cluster.Caller) {
	m.Gauge("atelier_cluster_nodes", "Nodes in this node's view of the cluster, itself included.", []string{"state"}, func(value func(float64, ...string)) {
		count := map[string]float64{"up": 0, "draining": 0, "unmet": 0}
		for _, n := range c.View().Nodes {
			switch {
			case n.Unmet:
				count["unmet"]++
			case n.Draining:
				count["draining"]++
			default:
				count["up"]++
			}
		}
		for state, n := range count {
			value(n, state)
		}
	})
	m.Gauge("atelier_remote_calls_in_flight", "Calls under way to another node.", []string{"peer"}, func(value func(float64, ...string)) {
		for node, n := range c.InFlight() {
			value(float64(n), node)
		}
	})
}

// viewed counts who came into the view and who went.
func (m *metrics) viewed(before, now cluster.View) {
	m.nodes.Joins.Add(float64(newIn(now, before)))
	m.nodes.Leaves.Add(float64(newIn(before, now)))
}

// newIn is how many nodes of a view, but for the one whose it is, the other does not
// have. One that was started again is another.
func newIn(v, other cluster.View) (n int) {
	for _, node := range v.Nodes {
		if known, ok := other.Node(node.Name); node.Name != v.Self && (!ok || !known.Started.Equal(node.Started)) {
			n++
		}
	}
	return n
}
