package services_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

func channel(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	c, err := conn.Channel()
	require.NoError(t, err)
	return c
}

func TestVHostsAreSeparate(t *testing.T) {
	t.Parallel()
	mine := services.RabbitMQ(t)
	one, two := channel(t, mine.URL()), channel(t, services.RabbitMQ(t).URL())
	_, err := one.QueueDeclare("here", true, false, false, false, nil)
	require.NoError(t, err)
	_, err = one.QueueDeclarePassive("here", true, false, false, false, nil)
	require.NoError(t, err)
	_, err = two.QueueDeclarePassive("here", true, false, false, false, nil)
	require.ErrorContains(t, err, "NOT_FOUND")
}

func TestAVHostGoesWithTheTest(t *testing.T) {
	t.Parallel()
	var v *services.VHost
	t.Run("a test", func(t *testing.T) {
		v = services.RabbitMQ(t)
		channel(t, v.URL())
	})
	_, err := amqp.Dial(v.URL())
	require.Error(t, err)
}

func TestRabbitMQCrashRestartFreeze(t *testing.T) {
	t.Parallel()
	s := services.OwnRabbitMQ(t)
	c := channel(t, s.URL())
	_, err := c.QueueDeclare("q", true, false, false, false, nil)
	require.NoError(t, err)
	// The broker writes down what was declared after it has said so; only an
	// orderly end waits for that.
	s.Shutdown()
	s.Restart(t)
	c = channel(t, s.URL())
	require.NoError(t, c.Confirm(false))
	for i := range 20 {
		require.True(t, publish(t, c, fmt.Sprint(i)))
	}
	closed := c.NotifyClose(make(chan *amqp.Error, 1))
	s.Crash()
	require.Error(t, <-closed)
	s.Restart(t)

	c = channel(t, s.URL())
	require.NoError(t, c.Confirm(false))
	for i := range 20 {
		d, ok, err := c.Get("q", true)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), string(d.Body), "what was confirmed survives, in order")
	}
	s.Freeze()
	require.False(t, publish(t, c, "x"))
	s.Thaw()
	require.Eventually(t, func() bool { return publish(t, c, "y") }, 20*time.Second, time.Millisecond)
}

// publish says whether the message was confirmed in good time.
func publish(t *testing.T, c *amqp.Channel, body string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	confirmation, err := c.PublishWithDeferredConfirm("", "q", false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	require.NoError(t, err)
	acknowledged, err := confirmation.WaitContext(ctx)
	return err == nil && acknowledged
}
