package main

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"atelier/test/services"
)

// collected are the spans of a collector, as OpenTelemetry's takes them.
type collected struct {
	mu  sync.Mutex
	all []*spans.Span
}

func startCollector(t testing.TB) (*collected, string) {
	c := &collected{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var batch collector.ExportTraceServiceRequest
		if r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range batch.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				c.all = append(c.all, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(server.Close)
	return c, server.URL
}

// trace is the spans of a trace, by name, each with the name of its parent before
// it: "parent > name".
func (c *collected) trace(id string) (names []string, attributes map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID, attributes := map[string]*spans.Span{}, map[string]string{}
	for _, s := range c.all {
		byID[string(s.GetSpanId())] = s
	}
	for _, s := range c.all {
		if hex.EncodeToString(s.GetTraceId()) != id {
			continue
		}
		parent := byID[string(s.GetParentSpanId())]
		names = append(names, parent.GetName()+" > "+s.GetName())
		for _, a := range s.GetAttributes() {
			attributes[s.GetName()+" "+a.GetKey()] = a.GetValue().GetStringValue()
		}
	}
	return names, attributes
}

const (
	askedTrace   = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampledTrace = "00-" + askedTrace + "-00f067aa0ba902b7-01"
)

// TestOneTrace: a request whose caller samples it is followed to the entity, to the
// database and through the broker to who consumes what happened.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		c, endpoint := startCollector(t)
		broker := services.RabbitMQ(t).URL()
		p := startWith(t, store, func(s *settings) { s.OTLPEndpoint, s.AMQPURL = endpoint, broker })
		ada := signUp(t, p, "ada")
		created := ada.post("/projects", object{"name": "Harbour"}, "Traceparent: "+sampledTrace).created(t)
		require.Contains(t, created.header.Get("Traceparent"), askedTrace)
		require.NotContains(t, created.header.Get("Traceparent"), "00f067aa0ba902b7", "the span is the server's own")
		ada.do("GET", api+"/projects/"+created.text("id"), nil, "Traceparent: "+sampledTrace).want(t, 200)
		ada.do("GET", api+"/projects?limit=5", nil, "Traceparent: "+sampledTrace).want(t, 200)
		ada.do("GET", api+"/projects/"+ada.user, nil, "Traceparent: "+sampledTrace).want(t, 404)
		delivered := consume(t, broker, "project.created")
		require.Contains(t, string(delivered.Body), `"traceparent":"00-`+askedTrace, "consumers go on with it")
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
		require.NoError(t, p.stop())

		names, attributes := c.trace(askedTrace)
		require.Subset(t, names, []string{
			" > POST /api/v1/projects", "POST /api/v1/projects > CreateProject", "CreateProject > commit", "CreateProject > publish project.created",
			" > GET /api/v1/projects/{project_id}", "GET /api/v1/projects/{project_id} > GetProject", " > GET /api/v1/projects",
		})
		require.Equal(t, ada.user, attributes["POST /api/v1/projects user.id"])
		require.Equal(t, "not_found", attributes["GetProject atelier.refusal"])
		if !store.embedded() {
			require.Contains(t, names, "GET /api/v1/projects > query", "a query is part of the trace")
			require.NotEmpty(t, attributes["query db.query.text"])
			require.NotContains(t, attributes["query db.query.text"], ada.user)
		}
		for _, span := range c.all {
			require.Equal(t, askedTrace, hex.EncodeToString(span.GetTraceId()), "nobody else was sampled, and no %s", span.GetName())
			require.NotContains(t, span.String(), "@example.com")
		}
	})
}

// consume waits for the first message of a queue.
func consume(t testing.TB, url, queue string) amqp.Delivery {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	defer func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) }()
	var d amqp.Delivery
	require.Eventually(t, func() (ok bool) {
		channel, err := conn.Channel() // one that asks for a queue which is not there yet is closed
		require.NoError(t, err)
		defer channel.Close()
		d, ok, err = channel.Get(queue, true)
		return ok && err == nil
	}, 20*time.Second, 10*time.Millisecond)
	return d
}

func TestAShareOfAllRequestsIsTraced(t *testing.T) {
	t.Parallel()
	c, endpoint := startCollector(t)
	p := startWith(t, engines["embedded"](t), func(s *settings) { s.OTLPEndpoint, s.TraceShare = endpoint, 1 })
	ada := signUp(t, p, "ada")
	ada.post("/projects", object{"name": "Harbour"}).created(t)
	ada.post("/projects", object{"name": "Unsampled"}, "Traceparent: "+strings.TrimSuffix(sampledTrace, "1")+"0").created(t)
	ada.do("GET", "/livez", nil)
	require.NoError(t, p.stop())
	roots := map[string]int{}
	for _, span := range c.all {
		if len(span.GetParentSpanId()) == 0 {
			roots[span.GetName()]++
		}
	}
	require.Equal(t, 1, roots["POST /api/v1/projects"], "the caller who does not sample decides")
	require.Equal(t, 1, roots["POST /api/v1/auth/register"])
	require.Zero(t, roots["GET /livez"])
}

// TestNoCollector: a collector that is away costs its traces and nothing else.
func TestNoCollector(t *testing.T) {
	t.Parallel()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, away.Close())
	p := startWith(t, engines["embedded"](t), func(s *settings) { s.OTLPEndpoint, s.TraceShare = "http://"+away.Addr().String(), 1 })
	ada := signUp(t, p, "ada")
	ada.post("/projects", object{"name": "Harbour"}).created(t)
	began := time.Now()
	require.NoError(t, p.stop())
	require.Less(t, time.Since(began), drainTime)
}
