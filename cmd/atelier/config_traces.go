package main

import (
	"errors"
	"net/url"
)

// traceSettings say where spans go.
type traceSettings struct {
	OTLPEndpoint string  `name:"otlp-endpoint" help:"URL of an OpenTelemetry collector that takes traces over HTTP, such as http://collector:4318; none are made where it is not set. OTEL_EXPORTER_OTLP_HEADERS and the like are honoured." placeholder:"URL" env:"ATELIER_OTLP_ENDPOINT" group:"Traces"`
	TraceShare   float64 `help:"Share of the requests that are traced, 0 to 1, where the caller sent no traceparent; else the caller decides." default:"0.1" env:"ATELIER_TRACE_SHARE" group:"Traces"`
}

func (s *traceSettings) check() error {
	if s.OTLPEndpoint != "" {
		if u, err := url.Parse(s.OTLPEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("ATELIER_OTLP_ENDPOINT must be a URL such as http://collector:4318")
		}
	}
	if !(s.TraceShare >= 0 && s.TraceShare <= 1) {
		return errors.New("ATELIER_TRACE_SHARE must be from 0, for none, to 1, for all")
	}
	return nil
}
