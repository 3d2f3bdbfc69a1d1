package telemetry

import (
	"context"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Statements makes spans of the statements of sampled requests. Those that nobody
// asked for, such as renewals of the lease, have none. It is a pgx.QueryTracer.
type Statements struct{ *Tracer }

type statementKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (t Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx
	}
	_, s := t.tracer.Start(ctx, "query", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.DBSystemNameKey.String(t.config.Database), semconv.DBQueryText(q.SQL))) // texts are static: values are parameters
	return context.WithValue(ctx, statementKey{}, s)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t Statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	s, ok := ctx.Value(statementKey{}).(trace.Span)
	if !ok {
		return
	}
	if q.Err != nil {
		s.SetStatus(codes.Error, "") // the cause may have values in it
	}
	s.End()
}
