package events_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
	"atelier/test/services"
)

const (
	lanes       = 4
	confirmed   = 128 // together
	benchEvents = 20_000
)

// BenchmarkRelay compares the relay, from rows in Postgres to confirmed messages, with
// a publisher that does nothing but publish: as many channels, as many messages to a
// confirm, the same bodies. Both in turns, events a second of each and their ratio.
func BenchmarkRelay(b *testing.B) {
	url, broker := services.Postgres(b).URL(), services.RabbitMQ(b).URL()
	_, err := postgres.Migrate(b.Context(), url)
	require.NoError(b, err)
	db, err := postgres.Open(b.Context(), postgres.Config{URL: url})
	require.NoError(b, err)
	b.Cleanup(db.Close)
	var ratios []float64
	for b.Loop() {
		bare := raw(b, broker)
		commit(b, db, benchEvents)
		ours := drain(b, db, broker)
		ratios = append(ratios, ours/bare)
		b.Logf("%.0f events a second by the relay, %.0f bare", ours, bare)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

// commit fills the outbox: half of the events have a queue.
func commit(b *testing.B, db *postgres.DB, events int) {
	b.Helper()
	for left := events; left > 0; left -= 256 {
		var group []*store.Commit
		for range 128 {
			owner := persistencetest.Registration()
			group = append(group, owner)
		}
		_, err := db.Write(b.Context(), group)
		require.NoError(b, err)
		for i := range group {
			group[i] = persistencetest.Creation(group[i].ID)
		}
		_, err = db.Write(b.Context(), group)
		require.NoError(b, err)
	}
}

// drain has a relay send all that waits, and tells how many a second.
func drain(b *testing.B, db *postgres.DB, broker string) float64 {
	b.Helper()
	p, err := rabbitmq.New(rabbitmq.DefaultConfig(broker, "bench", lanes))
	require.NoError(b, err)
	m := &meter{done: make(chan struct{}), left: (benchEvents + 255) / 256 * 256}
	r := outbox.New(outbox.DefaultConfig("bench"), db.Outbox(), p, m, slog.New(slog.DiscardHandler))
	began := time.Now()
	r.Start(b.Context())
	<-m.done
	took := time.Since(began)
	require.NoError(b, r.Stop(context.Background()))
	return float64(benchEvents) / took.Seconds()
}

type meter struct {
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (*meter) Published(int, int, time.Duration) {}
func (m *meter) Delivered(time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left--; m.left == 0 {
		close(m.done)
	}
}

// raw publishes as fast as the broker confirms.
func raw(b *testing.B, broker string) float64 {
	b.Helper()
	p, err := rabbitmq.New(rabbitmq.DefaultConfig(broker, "bench", lanes)) // declares
	require.NoError(b, err)
	_, err = p.Publish(b.Context(), 0, nil)
	require.NoError(b, err)
	p.Close()
	conn, err := amqp.Dial(broker)
	require.NoError(b, err)
	defer conn.Close()
	began := time.Now()
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			c, err := conn.Channel()
			if err == nil {
				err = c.Confirm(false)
			}
			for n := 0; n < benchEvents/lanes && err == nil; n += confirmed {
				err = batch(c, lane, n)
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	return benchEvents / time.Since(began).Seconds()
}

func batch(c *amqp.Channel, lane, n int) error {
	var waiting []*amqp.DeferredConfirmation
	for i := range confirmed {
		e := outbox.Event{
			ID: fmt.Sprintf("0190a000-0000-7000-8%03d-%012d", lane, n+i), Stream: "projects/0190a000-0000-7000-8000-000000000009", Seq: 1, Type: "project.created",
			OccurredAt: time.Now(), Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			Data: []byte(`{"project_id":"0190a000-0000-7000-8000-000000000009","name":"A project","description":"about A project","owner_id":"0190a000-0000-7000-8000-000000000009","status":"draft"}`),
		}
		exchange := rabbitmq.ProjectEvents
		if i%2 == 0 {
			e.Type, exchange = "user.created", rabbitmq.UserEvents
		}
		body, err := outbox.Render(e)
		if err != nil {
			return err
		}
		confirm, err := c.PublishWithDeferredConfirm(exchange, e.Type, true, false, amqp.Publishing{
			ContentType: outbox.ContentType, DeliveryMode: amqp.Persistent, MessageId: e.ID, Type: e.Type, Body: body,
		})
		if err != nil {
			return err
		}
		waiting = append(waiting, confirm)
	}
	for _, confirm := range waiting {
		if !confirm.Wait() {
			return fmt.Errorf("not confirmed")
		}
	}
	return nil
}
