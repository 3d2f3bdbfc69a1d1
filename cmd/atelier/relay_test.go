package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"atelier/actors/outbox"
	"atelier/messages"
	"atelier/test/services"
)

// outboxSays is what atelier outbox status prints.
func outboxSays(t testing.TB, p *program) string {
	t.Helper()
	var out bytes.Buffer
	status := outboxStatusCommand{opsSettings: opsSettings{strings.TrimPrefix(p.ops, "http://")}}
	require.NoError(t, status.print(t.Context(), &out))
	return out.String()
}

func redriven(t testing.TB, p *program, stream string, since time.Duration) string {
	t.Helper()
	var out bytes.Buffer
	command := outboxRedriveCommand{opsSettings{strings.TrimPrefix(p.ops, "http://")}, stream, since}
	require.NoError(t, command.print(t.Context(), &out))
	return out.String()
}

func taken(t testing.TB, url, queue string) (ids []string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	defer func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) }()
	c, err := conn.Channel()
	require.NoError(t, err)
	for {
		d, ok, err := c.Get(queue, true)
		require.NoError(t, err)
		if !ok {
			return ids
		}
		ids = append(ids, d.MessageId)
	}
}

// everything is all that was ever sent.
var everything = outbox.Redrive{Since: 24 * time.Hour}

// unsent is how many events wait, whoever has their shards.
func unsent(t testing.TB, p *program) int {
	t.Helper()
	var all []outbox.Lease
	for shard := range outbox.Shards {
		all = append(all, outbox.Lease{Shard: shard})
	}
	b, err := p.relay.store.Backlog(t.Context(), all)
	require.NoError(t, err)
	return b.Unsent
}

// TestOperatorsSeeTheOutbox: what waits, and events sent again under their ids.
func TestOperatorsSeeTheOutbox(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		broker := services.RabbitMQ(t).URL()
		p := startWith(t, store, func(s *settings) { s.AMQPURL = broker })
		ada := signUp(t, p, "ada")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
		first := taken(t, broker, "project.created")
		require.Len(t, first, 1)
		require.Contains(t, outboxSays(t, p), "BROKER  events are sent\nSHARDS  64 of 64\n")

		require.Equal(t, "0 parked streams go on, 0 events are sent again\n", redriven(t, p, "", 0))
		require.Equal(t, "0 parked streams go on, 1 events are sent again\n", redriven(t, p, messages.ProjectStream(project), time.Hour))
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
		require.Equal(t, first, taken(t, broker, "project.created"), "the same one")

		ops := &client{t: t, base: p.ops}
		ops.do("POST", "/outbox/redrive", nil, "Origin: https://evil.example").want(t, 403)
		ops.do("POST", "/outbox/redrive?since=yesterday", nil).want(t, 400)
		ada.do("GET", "/outbox", nil).want(t, 404)
		var seen object
		require.NoError(t, json.Unmarshal(ops.do("GET", "/outbox", nil).body, &seen))
		require.Equal(t, true, seen["broker"])
	})
}

// TestTheBrokerIsAway from the start: the node serves and is ready, says so once,
// and shows no password.
func TestTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		nobody, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := nobody.Addr().String()
		nobody.Close()
		logs := &logbook{}
		p := startWith(t, store, func(s *settings) { s.AMQPURL = "amqp://somebody:canary-of-the-broker@" + address + "/" }, logs)
		ada := signUp(t, p, "ada")
		for range 20 {
			ada.post("/projects", object{"name": "Harbour"}).created(t)
		}
		require.Eventually(t, func() bool { return strings.Contains(outboxSays(t, p), "nothing can be sent for") }, 20*time.Second, 10*time.Millisecond)
		ada.do("GET", "/readyz", nil).want(t, 200)
		require.Equal(t, 1, strings.Count(logs.String(), "events cannot be sent now"), logs.String())
		require.NotContains(t, logs.String(), "canary")
		require.NotContains(t, outboxSays(t, p), "canary")
	})
}

// TestWithoutABrokerTheOutboxStaysEmpty: nobody wants the events.
func TestWithoutABrokerTheOutboxStaysEmpty(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		ada.post("/projects", object{"name": "Harbour"}).created(t)
		require.Contains(t, outboxSays(t, p), "BROKER  none: events are not sent (ATELIER_AMQP_URL)\n")
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
		_, events, err := p.relay.store.Redrive(t.Context(), everything)
		require.NoError(t, err)
		require.Zero(t, events, "they are gone")
	})
}

func TestBrokersThatCannotWork(t *testing.T) {
	t.Parallel()
	for address, sentence := range map[string]string{
		"": "", "amqp://u:p@host/vhost": "", "amqps://u:p@host": "", "amqp://guest:guest@host": "",
		"http://u:canary@host": "ATELIER_AMQP_URL must be a URL such as", "amqp://u:canary@:x/": "ATELIER_AMQP_URL must be a URL such as",
	} {
		err := (&eventSettings{address}).checkEvents(false)
		if sentence == "" {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, sentence)
		require.NotContains(t, err.Error(), "canary")
	}
	require.ErrorContains(t, (&eventSettings{"amqp://guest:guest@host"}).checkEvents(true), "must not be one that everybody tries")
	require.NoError(t, (&eventSettings{"amqp://u:" + url.PathEscape("kVn2/xq8") + "@host"}).checkEvents(true))
}
