package rabbitmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/actors/outbox"
	"atelier/actors/outbox/rabbitmq"
	"atelier/test/services"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("atelier/test/services.start"), goleak.IgnoreAnyFunction("atelier/test/services.(*process).wait"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"))
}

var (
	ids sync.Mutex
	id  int
)

func message(t testing.TB, stream string, seq int64, kind string) outbox.Message {
	t.Helper()
	ids.Lock()
	id++
	e := outbox.Event{
		ID: fmt.Sprintf("0190a000-0000-7000-8000-%012d", id), Stream: stream, Shard: outbox.ShardOf(stream), Seq: seq, Type: kind,
		OccurredAt: time.Now().UTC().Truncate(time.Microsecond), Data: []byte(`{"n":1}`),
	}
	ids.Unlock()
	body, err := outbox.Render(e)
	require.NoError(t, err)
	return outbox.Message{Event: e, Body: body}
}

func publisher(t testing.TB, url string, change ...func(*rabbitmq.Config)) *rabbitmq.Publisher {
	t.Helper()
	c := rabbitmq.DefaultConfig(url, "test", 2)
	for _, f := range change {
		f(&c)
	}
	p, err := rabbitmq.New(c)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func channel(t testing.TB, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	c, err := conn.Channel()
	require.NoError(t, err)
	return c
}

// next takes the first message of a queue that has one.
func next(t testing.TB, c *amqp.Channel, queue string) amqp.Delivery {
	t.Helper()
	d, ok, err := c.Get(queue, true)
	require.NoError(t, err)
	require.True(t, ok, "%s is empty", queue)
	return d
}

func empty(t testing.TB, c *amqp.Channel, queue string) {
	t.Helper()
	_, ok, err := c.Get(queue, true)
	require.NoError(t, err)
	require.False(t, ok, "%s is not empty", queue)
}

func publish(t testing.TB, p *rabbitmq.Publisher, batch ...outbox.Message) []outbox.Outcome {
	t.Helper()
	outcomes, err := p.Publish(t.Context(), 0, batch)
	require.NoError(t, err)
	return outcomes
}

func TestQueuesGetWhatIsTheirs(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	p := publisher(t, url)
	user, project := message(t, "users/u", 1, "user.created"), message(t, "projects/p", 1, "project.created")
	batch := []outbox.Message{user, message(t, "users/u", 2, "user.activated"), project, message(t, "users/u", 3, "session.opened"), message(t, "projects/p", 2, "project.updated")}
	require.Equal(t, []outbox.Outcome{outbox.Taken, outbox.Unrouted, outbox.Taken, outbox.Unrouted, outbox.Unrouted}, publish(t, p, batch...))
	c := channel(t, url)
	for queue, want := range map[string]outbox.Message{"user.created": user, "project.created": project, "notification.email": user} {
		d := next(t, c, queue)
		empty(t, c, queue)
		require.Equal(t, want.ID, d.MessageId)
		require.Equal(t, "application/cloudevents+json", d.ContentType)
		require.EqualValues(t, amqp.Persistent, d.DeliveryMode)
		require.Equal(t, want.Type, d.RoutingKey)
		require.Equal(t, want.Body, d.Body)
		require.True(t, json.Valid(d.Body))
	}
	// All others of both exchanges are to be had too.
	_, err := c.QueueDeclare("audit", true, false, false, false, nil)
	require.NoError(t, err)
	for _, exchange := range []string{rabbitmq.UserEvents, rabbitmq.ProjectEvents} {
		require.NoError(t, c.QueueBind("audit", "#", exchange, false, nil))
	}
	again := []outbox.Message{message(t, "users/u", 4, "session.ended"), message(t, "projects/p", 3, "project.archived"), message(t, "users/u", 5, "user.suspended")}
	require.Equal(t, []outbox.Outcome{outbox.Taken, outbox.Taken, outbox.Taken}, publish(t, p, again...))
	for _, m := range again {
		require.Equal(t, m.ID, next(t, c, "audit").MessageId, "in order")
	}
}

func TestWhatMustHaveAQueueGetsItBack(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	p, c := publisher(t, url), channel(t, url)
	publish(t, p, message(t, "users/u", 1, "user.created"))
	for _, queue := range []string{"user.created", "notification.email"} {
		_, err := c.QueueDelete(queue, false, false, false)
		require.NoError(t, err)
	}
	lost := message(t, "users/v", 1, "user.created")
	require.Equal(t, []outbox.Outcome{outbox.Unrouted}, publish(t, p, lost))
	require.Equal(t, []outbox.Outcome{outbox.Taken}, publish(t, p, lost), "declared anew")
	require.Equal(t, lost.ID, next(t, c, "user.created").MessageId)
	require.Equal(t, lost.ID, next(t, c, "notification.email").MessageId)

	require.NoError(t, c.ExchangeDelete(rabbitmq.ProjectEvents, false, false))
	m := message(t, "projects/p", 1, "project.created")
	_, err := p.Publish(t.Context(), 0, []outbox.Message{m, message(t, "projects/p", 2, "project.updated")})
	require.ErrorContains(t, err, "no exchange")
	require.False(t, errors.As(err, new(*outbox.ChannelError)), "not the fault of an event")
	require.Equal(t, []outbox.Outcome{outbox.Taken}, publish(t, p, m))
	require.Equal(t, m.ID, next(t, c, "project.created").MessageId)
}

// TestWhatIsThereIsTakenAsItIs: queues that the operator has made otherwise.
func TestWhatIsThereIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	c := channel(t, url)
	_, err := c.QueueDeclare("user.created", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	require.NoError(t, err)
	p := publisher(t, url)
	m := message(t, "users/u", 1, "user.created")
	require.Equal(t, []outbox.Outcome{outbox.Taken}, publish(t, p, m))
	require.Equal(t, m.ID, next(t, channel(t, url), "user.created").MessageId)
}

// TestFullQueuesRefuse: the broker says no, and the rest is not held up by it.
func TestFullQueuesRefuse(t *testing.T) {
	t.Parallel()
	url := services.RabbitMQ(t).URL()
	p, c := publisher(t, url), channel(t, url)
	publish(t, p, message(t, "users/u", 1, "user.created"))
	_, err := c.QueueDeclare("full", true, false, false, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	require.NoError(t, err)
	require.NoError(t, c.QueueBind("full", "user.suspended", rabbitmq.UserEvents, false, nil))
	require.Equal(t, []outbox.Outcome{outbox.Taken}, publish(t, p, message(t, "users/u", 2, "user.suspended")))
	require.Eventually(t, func() bool { // the queue says that it is full a moment later
		outcomes := publish(t, p, message(t, "users/v", 1, "user.suspended"), message(t, "users/w", 1, "user.created"))
		require.Equal(t, outbox.Taken, outcomes[1])
		return outcomes[0] == outbox.Refused
	}, 10*time.Second, 10*time.Millisecond)
}

// TestTheBrokerDiesAndHangs: nothing that was confirmed is lost, no call outlives
// its time, and afterwards the same publisher goes on.
func TestTheBrokerDiesAndHangs(t *testing.T) {
	t.Parallel()
	broker := services.OwnRabbitMQ(t)
	p := publisher(t, broker.URL(), func(c *rabbitmq.Config) { c.DialTimeout, c.ConfirmTimeout = 2*time.Second, 2*time.Second })
	sent := []outbox.Message{message(t, "users/u", 1, "user.created")}
	publish(t, p, sent...)
	// The broker writes down what was declared a moment after it has said so.
	broker.Shutdown()
	broker.Restart(t)
	send := func() error {
		m := message(t, "users/u", int64(len(sent)+1), "user.created")
		outcomes, err := p.Publish(t.Context(), 0, []outbox.Message{m})
		if err == nil {
			require.Equal(t, []outbox.Outcome{outbox.Taken}, outcomes)
			sent = append(sent, m)
		}
		return err
	}
	require.NoError(t, send(), "it connects anew")
	broker.Crash()
	for range 3 {
		require.Error(t, send())
	}
	broker.Restart(t)
	require.Eventually(t, func() bool { return send() == nil }, 30*time.Second, 50*time.Millisecond)

	broker.Freeze()
	began := time.Now()
	require.ErrorContains(t, send(), "does not confirm in time")
	require.Error(t, send(), "nor does it take connections")
	require.Less(t, time.Since(began), 8*time.Second)
	broker.Thaw()
	require.Eventually(t, func() bool { return send() == nil }, 30*time.Second, 50*time.Millisecond)
	c := channel(t, broker.URL())
	at := 0
	for at < len(sent) { // what was not confirmed may be there too
		if next(t, c, "user.created").MessageId == sent[at].ID {
			at++
		}
	}
}

// TestABlackHoleEndsInTime: the broker's address swallows everything.
func TestABlackHoleEndsInTime(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { hole.Close() })
	p := publisher(t, "amqp://guest:guest@"+hole.Addr().String()+"/", func(c *rabbitmq.Config) { c.DialTimeout = 200 * time.Millisecond })
	began := time.Now()
	var lanes sync.WaitGroup
	for lane := range 2 { // who waits for the attempt of another shares its end
		lanes.Go(func() {
			_, err := p.Publish(context.WithoutCancel(t.Context()), lane, nil)
			if err == nil {
				t.Error("published into a black hole")
			}
		})
	}
	lanes.Wait()
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestNoErrorShowsTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"amqp://u:canary@:x/", "http://u:canary@host/", "canary", "amqp://u:can ary@host/"} {
		require.Error(t, rabbitmq.Check(url))
		require.NotContains(t, rabbitmq.Check(url).Error(), "canary")
	}
	broker := services.RabbitMQ(t)
	wrong := publisher(t, "amqp://canary:canary@"+hostOf(t, broker.URL()))
	_, err := wrong.Publish(t.Context(), 0, nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "canary")
}

func hostOf(t *testing.T, url string) string {
	uri, err := amqp.ParseURI(url)
	require.NoError(t, err)
	return fmt.Sprintf("%s:%d/%s", uri.Host, uri.Port, uri.Vhost)
}
