package faults_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	sendStalled  = time.Minute // without a single event sent, with the broker back
	unaffectedBy = 3 * time.Second
	writesEvery  = 20 * time.Millisecond // of each writer: the broker is under test, not the nodes
)

// The broker is killed, hangs, resets connections and swallows what it is sent,
// while two nodes write. Writes do not notice; afterwards every event has come, and
// those of each stream in order.
func TestEventsSurviveTheBroker(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	database, broker := services.Postgres(t).URL(), services.OwnRabbitMQ(t)
	s.Audit(broker.URL())
	// What was declared is written down a moment after the broker has said so.
	broker.Shutdown()
	broker.Restart(t)
	direct, err := url.Parse(broker.URL())
	s.Must(err)
	wire := s.Wire(direct.Host)
	way := *direct
	way.Host = wire.Address()
	nodes := s.StartClusterWith(database, func(string) []string { return []string{"ATELIER_AMQP_URL=" + way.String()} }, "a", "b")
	owners, db := ownersOn(s, nodes, 1)[0], s.Database(database, nil)
	l := newLedger()
	l.pace = writesEvery
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	writers := l.write(ctx, s, owners)
	wroteOn := func(what string) {
		for _, n := range nodes {
			if took := l.await(s, n.Name, acksPerBrokerFault); took > unaffectedBy {
				s.Logf("%s: %d writes on node %s took %s", what, acksPerBrokerFault, n.Name, took)
			}
			if answer, err := http.Get("http://" + n.Address() + "/readyz"); err != nil || answer.StatusCode != 200 {
				s.Found("%s: node %s is not ready: %v", what, n.Name, err)
			} else {
				answer.Body.Close()
			}
		}
	}
	for range brokerRounds {
		wroteOn("before")
		s.Fault("broker killed")
		broker.Crash()
		wroteOn("killed")
		broker.Restart(t)
		wroteOn("back")
		s.Fault("broker hangs")
		broker.Freeze()
		wroteOn("hangs")
		time.Sleep(brokerHangs)
		broker.Thaw()
		wroteOn("goes on")
		for range 5 {
			s.Fault("broker cut off")
			wire.Cut()
			wroteOn("cut")
		}
		s.Fault("broker silent")
		wire.Swallow(true)
		wroteOn("swallows")
		time.Sleep(brokerHangs)
		wire.Swallow(false)
		wroteOn("lets through")
	}
	cancel()
	writers.Wait()
	s.Logf("%d writes acknowledged, %d with an unknown end; the slowest without an acknowledgement took %s", l.total(), len(l.open), l.slowest.Round(time.Millisecond))
	if len(l.open) > 0 {
		s.Found("%d writes were not acknowledged", len(l.open))
	}
	s.AwaitSent(db, sendStalled)
	s.JudgeDeliveries(db, s.Take(broker.URL(), "audit"))
}

// A node that relays is killed over and over; another takes its shards. Every event
// comes, in order, and again at most under its own id.
func TestEventsSurviveTheirRelay(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	database, broker := services.Postgres(t).URL(), services.RabbitMQ(t).URL()
	s.Audit(broker)
	nodes := s.StartClusterWith(database, func(string) []string { return []string{"ATELIER_AMQP_URL=" + broker} }, "a", "b")
	owners, db := ownersOn(s, nodes, 1)[0], s.Database(database, nil)
	l := newLedger()
	l.pace = writesEvery
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	writers := l.write(ctx, s, owners)
	for i := range relayKills {
		killed, other := nodes[i%2], nodes[1-i%2]
		l.await(s, killed.Name, acksPerBrokerFault)
		killed.Kill()
		l.await(s, other.Name, acksPerBrokerFault)
		killed.Restart()
	}
	cancel()
	writers.Wait()
	s.AwaitSent(db, sendStalled)
	s.JudgeDeliveries(db, s.Take(broker, "audit"))
}
