package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"atelier/actors"
	"atelier/actors/outbox"
	"atelier/actors/store"
	httpd "atelier/http"
	"atelier/messages"
	"atelier/telemetry"
)

// startTraces makes the spans' Tracer; none where they have nowhere to go.
func (s *server) startTraces(ctx context.Context, c settings, node string) error {
	if c.OTLPEndpoint == "" {
		return nil
	}
	database := "postgresql"
	if c.embedded() {
		database = "sqlite"
	}
	t, err := telemetry.NewTracer(ctx, telemetry.TraceConfig{
		Endpoint: c.OTLPEndpoint, Share: c.TraceShare, Version: version, Node: node, Database: database,
	}, s.log)
	if err != nil {
		return err
	}
	s.tracer = &tracer{t}
	s.onStop(t.Stop)
	return nil
}

// tracer is one Tracer as those see it who tell it of their work. A nil one is
// none.
type tracer struct{ *telemetry.Tracer }

type (
	commandTracer struct{ *telemetry.Tracer }
	requestTracer struct{ *telemetry.Tracer }
)

// Command implements actors.Tracer.
func (c commandTracer) Command(trace, command string, kind store.Kind) actors.Span {
	return c.Tracer.Command(trace, command, kind)
}

// Request implements http.Tracer.
func (r requestTracer) Request(caller string) httpd.Span {
	if span, ok := r.Tracer.Request(caller); ok {
		return span
	}
	return nil
}

func (t *tracer) commands() actors.Tracer {
	if t == nil {
		return nil
	}
	return commandTracer{t.Tracer}
}

func (t *tracer) requests() httpd.Tracer {
	if t == nil {
		return nil
	}
	return requestTracer{t.Tracer}
}

func (t *tracer) statements() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return telemetry.Statements{Tracer: t.Tracer}
}

// publisher is a publisher whose sampled events have spans.
func (t *tracer) publisher(p outbox.Publisher) outbox.Publisher {
	if t == nil {
		return p
	}
	return tracedPublisher{p, t.Tracer}
}

type tracedPublisher struct {
	outbox.Publisher
	tracer *telemetry.Tracer
}

// Publish implements outbox.Publisher.
func (p tracedPublisher) Publish(ctx context.Context, lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	began := time.Now()
	outcomes, err := p.Publisher.Publish(ctx, lane, batch)
	for i, m := range batch {
		if messages.Sampled(m.Trace) {
			sent := i < len(outcomes) && (outcomes[i] == outbox.Taken || outcomes[i] == outbox.Unrouted)
			p.tracer.Published(m.Trace, m.Type, m.ID, began, sent)
		}
	}
	return outcomes, err
}
