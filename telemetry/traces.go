package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"atelier/actors/store"
)

// TraceConfig says where spans go and how many are made.
type TraceConfig struct {
	Endpoint string  // of a collector that takes OTLP over HTTP; its path is /v1/traces where none is given
	Share    float64 // of the requests whose callers sent no trace; the others' callers decide
	Version  string
	Node     string
	Database string // the name of its system: postgresql, sqlite
}

// Tracer makes OpenTelemetry spans and sends them to a collector, a batch every
// few seconds. What the collector does not take is dropped: nobody waits for it.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	config   TraceConfig
}

// NewTracer makes a Tracer; Stop ends it. It does not ask whether the collector
// is there.
func NewTracer(ctx context.Context, c TraceConfig, log *slog.Logger) (*Tracer, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("telemetry: the endpoint of traces is no URL")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, fmt.Errorf("telemetry: traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&quiet{SpanExporter: exporter, log: log}),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())), // Request has decided
		sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName("atelier"), semconv.ServiceVersion(c.Version), semconv.ServiceInstanceID(c.Node))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("atelier"), config: c}, nil
}

const exportTimeout = 5 * time.Second

// Stop sends what is left. It waits for that until ctx ends.
func (t *Tracer) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the log has the cause
	return nil
}

// quiet is an exporter that tells of a collector that is away once, and not with
// every batch.
type quiet struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	away atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if away := err != nil; q.away.Swap(away) != away {
		if away {
			q.log.Warn("traces are dropped: the collector does not take them", "error", err)
		} else {
			q.log.Info("the collector takes traces again")
		}
	}
	return nil
}

var w3c propagation.TraceContext

// within is a context in which spans are part of a trace.
func within(traceparent string) context.Context {
	ctx := context.Background() // spans end on their own
	if traceparent == "" {
		return ctx
	}
	return w3c.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

// parentOf is the traceparent of what happens within a span.
func parentOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// span is one of a command or a request.
type span struct {
	of    *Tracer
	trace string // the traceparent of what belongs to it
	trace.Span
}

func (t *Tracer) start(parent, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) span {
	ctx, s := t.tracer.Start(within(parent), name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return span{of: t, trace: parentOf(ctx), Span: s}
}

// Trace is the traceparent of what happens because of it.
func (s span) Trace() string { return s.trace }

// RequestSpan is the time of a request at the edge.
type RequestSpan struct{ span }

// Request begins the span of a request, within the trace of a caller who samples it
// or, without one, of its own. Not ok: this one is not sampled, and costs nothing more.
func (t *Tracer) Request(caller string) (s RequestSpan, ok bool) {
	if caller == "" && rand.Float64() >= t.config.Share {
		return RequestSpan{}, false
	}
	return RequestSpan{t.start(caller, "request", trace.SpanKindServer)}, true
}

// Context is for what is done because of the request.
func (s RequestSpan) Context(ctx context.Context) context.Context {
	return trace.ContextWithSpan(ctx, s.Span)
}

// User notes who asks.
func (s RequestSpan) User(id string) { s.SetAttributes(semconv.UserID(id)) }

// End ends the span, which has the name of the endpoint.
func (s RequestSpan) End(method, endpoint string, status int, requestID string) {
	s.SetName(method + " " + endpoint)
	s.SetAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(endpoint), semconv.HTTPResponseStatusCode(status),
		attribute.String("atelier.request_id", requestID))
	if status >= 500 {
		s.SetStatus(codes.Error, "")
	}
	s.Span.End()
}

// CommandSpan is the time of a command in its entity.
type CommandSpan struct{ span }

// Command begins the span of a command.
func (t *Tracer) Command(parent, command string, kind store.Kind) CommandSpan {
	return CommandSpan{t.start(parent, command, trace.SpanKindInternal,
		attribute.String("atelier.entity", string(kind)), attribute.String("atelier.node", t.config.Node))}
}

// Committed makes a span of the commit that the command was in.
func (s CommandSpan) Committed(began time.Time, err error) {
	_, commit := s.of.tracer.Start(within(s.trace), "commit", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(began),
		trace.WithAttributes(semconv.DBSystemNameKey.String(s.of.config.Database)))
	if err != nil {
		commit.SetStatus(codes.Error, "not committed")
	}
	commit.End()
}

// End ends the span. A refusal is an answer, and no error, unless it is ours.
func (s CommandSpan) End(code string) {
	if code != "" {
		s.SetAttributes(attribute.String("atelier.refusal", code))
	}
	s.Span.End()
}

// Published makes a span of the publication of an event, within the trace that the
// event comes from.
func (t *Tracer) Published(parent, event, id string, began time.Time, sent bool) {
	_, s := t.tracer.Start(within(parent), "publish "+event, trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(began),
		trace.WithAttributes(semconv.MessagingSystemRabbitMQ, semconv.MessagingMessageID(id)))
	if !sent {
		s.SetStatus(codes.Error, "not sent")
	}
	s.End()
}
