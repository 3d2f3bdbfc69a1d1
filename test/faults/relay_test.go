package faults_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
	"atelier/test/rig"
	"atelier/test/services"
)

// The relay ends at each of its steps: before it publishes, after the broker has
// confirmed and before that is written down, and after that. Whoever takes over
// sends what is left: nothing is lost, nothing overtakes, and what comes twice has
// one id.
func TestRelayCrashPoints(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	database, broker := services.Postgres(t).URL(), services.RabbitMQ(t).URL()
	s.Audit(broker)
	_, err := postgres.Migrate(t.Context(), database)
	s.Must(err)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: database})
	s.Must(err)
	defer db.Close()
	random := s.Random(0)
	owner := persistencetest.Registration()
	written(s, db, owner)
	p := persistencetest.Creation(owner.ID)
	written(s, db, p)
	node := "n1"
	for i := range crashPoints {
		for range 1 + random.IntN(3) { // a stream that goes on, and new ones
			claimed, err := db.Projects().Claim(t.Context(), p.ID, "n1")
			s.Must(err)
			written(s, db, persistencetest.Renaming(claimed, "A name"))
			written(s, db, persistencetest.Registration())
		}
		if random.IntN(8) == 0 { // another node takes over, when the lease has ended
			node = map[string]string{"n1": "n2", "n2": "n1"}[node]
		}
		d := &dying{Source: db.Outbox(), Publisher: brokerOf(s, broker), at: crashPoint(i % 3), died: make(chan struct{})}
		r := outbox.New(relayConfig(node), d, d, uncounted{}, slog.New(slog.DiscardHandler))
		r.Start(t.Context())
		select {
		case <-d.died:
		case <-time.After(time.Minute):
			t.Fatalf("crash point %d was never reached", i)
		}
		s.Must(r.Stop(context.Background()))
	}
	last := outbox.New(relayConfig("n1"), db.Outbox(), brokerOf(s, broker), uncounted{}, slog.New(slog.DiscardHandler))
	last.Start(t.Context())
	s.AwaitSent(s.Database(database, nil), sendStalled)
	s.Must(last.Stop(context.Background()))
	s.JudgeDeliveries(s.Database(database, nil), s.Take(broker, "audit"))
}

func written(s *rig.Scenario, db *postgres.DB, c *store.Commit) {
	s.Helper()
	r, err := db.Write(s.Context(), []*store.Commit{c})
	s.Must(err)
	s.Must(r[0].Err)
}

func brokerOf(s *rig.Scenario, url string) *rabbitmq.Publisher {
	s.Helper()
	p, err := rabbitmq.New(rabbitmq.DefaultConfig(url, "test", outbox.DefaultConfig("").Lanes))
	s.Must(err)
	return p
}

func relayConfig(node string) outbox.Config {
	c := outbox.DefaultConfig(node)
	c.TTL, c.Renew, c.Margin, c.PollMin = 500*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond, 10*time.Millisecond
	return c
}

type uncounted struct{}

func (uncounted) Published(int, int, time.Duration) {}
func (uncounted) Delivered(time.Duration)           {}

// crashPoint is where a relay ends.
type crashPoint int

const (
	beforePublishing crashPoint = iota
	beforeMarking               // and after the confirms
	afterMarking
)

// dying is all that a relay has of the world, until it ends.
type dying struct {
	outbox.Source
	outbox.Publisher
	at   crashPoint
	dead atomic.Bool
	died chan struct{}
}

var errDead = errors.New("dead")

func (d *dying) die() error {
	if d.dead.CompareAndSwap(false, true) {
		close(d.died)
	}
	return errDead
}

func (d *dying) Publish(ctx context.Context, lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	if d.at == beforePublishing || d.dead.Load() {
		return nil, d.die()
	}
	return d.Publisher.Publish(ctx, lane, batch)
}

func (d *dying) Mark(ctx context.Context, leases []outbox.Lease, events []outbox.Event) (int, error) {
	if d.at == beforeMarking || d.dead.Load() {
		return 0, d.die()
	}
	if _, err := d.Source.Mark(ctx, leases, events); err != nil {
		return 0, err
	}
	return 0, d.die()
}

// GiveBack: who is dead gives nothing back.
func (d *dying) GiveBack(context.Context, string, []outbox.Lease, bool) error { return nil }
