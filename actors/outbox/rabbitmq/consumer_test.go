package rabbitmq_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/test/services"
)

// TestAConsumerTakesWhatIsInItsQueue: what it fails to take comes again, what is no
// event is taken away, and what was taken is not in the queue any more.
func TestAConsumerTakesWhatIsInItsQueue(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	p, c := publisher(t, url), channel(t, url)
	one, two := message(t, "users/u", 1, "user.created"), message(t, "users/v", 1, "user.created")
	publish(t, p, one)
	require.NoError(t, c.PublishWithContext(t.Context(), rabbitmq.UserEvents, "x.created", false, false, amqp.Publishing{Body: []byte("no event")}))

	got := make(chan outbox.Event, 10)
	tries := 0
	take := func(_ context.Context, e outbox.Event) error {
		if tries++; tries == 1 {
			return errors.New("not now")
		}
		got <- e
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rabbitmq.Consume(ctx, rabbitmq.DefaultConfig(url, "consumer", 0), "notification.email", take, slog.New(slog.DiscardHandler))
	}()
	require.Equal(t, one.Event, <-got)
	publish(t, p, two)
	require.Equal(t, two.Event, <-got)
	cancel()
	<-ended
	empty(t, c, "notification.email")
}

// TestAConsumerComesBack when the broker has ended it, and makes its queue anew.
func TestAConsumerComesBack(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	p, c := publisher(t, url), channel(t, url)
	got := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rabbitmq.Consume(ctx, rabbitmq.DefaultConfig(url, "consumer", 0), "notification.email", func(_ context.Context, e outbox.Event) error {
			got <- e.ID
			return nil
		}, slog.New(slog.DiscardHandler))
	}()
	one, two := message(t, "users/u", 1, "user.created"), message(t, "users/u", 2, "user.created")
	publish(t, p, one)
	require.Equal(t, one.ID, <-got)
	_, err := c.QueueDelete("notification.email", false, false, false)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		q, err := channel(t, url).QueueDeclarePassive("notification.email", true, false, false, false, nil)
		return err == nil && q.Consumers == 1
	}, time.Minute, 200*time.Millisecond)
	publish(t, p, two)
	require.Equal(t, two.ID, <-got)
	cancel()
	<-ended
}
