package http

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"

	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

const headerTrace = "Traceparent"

// Tracer makes the spans of requests.
type Tracer interface {
	// Request begins the span of a request, within the trace of the caller, where
	// that sent one which he samples, and else of its own. It is nil where nobody
	// samples it.
	Request(caller string) Span
}

// Span is the time of one request. Its methods do not block.
type Span interface {
	// Context is for what is done because of the request.
	Context(context.Context) context.Context
	// Trace is the traceparent of what is done because of the request.
	Trace() string
	// User: it is this user who asks.
	User(id string)
	// End ends the span with what is known of the request by then.
	End(method, endpoint string, status int, requestID string)
}

type spanKey struct{}

// trace begins the span of a request, where somebody makes spans, and tells the
// caller who sent a trace how it goes on.
func (s *Server) trace(c *fiber.Ctx) Span {
	asked := c.Request().Header.Peek(headerTrace)
	trace := ""
	if len(asked) > 0 {
		trace = continued(asked)
	}
	var span Span
	if s.deps.Tracer != nil && !health(c.Path()) && (trace == "" || messages.Sampled(trace)) {
		caller := ""
		if trace != "" {
			caller = "00" + string(asked[2:flagsAt]) + trace[flagsAt:] // what a later version adds is cut off
		}
		span = s.deps.Tracer.Request(caller)
	}
	if span != nil {
		c.Context().SetUserValue(spanKey{}, span)
	}
	if trace != "" {
		if span != nil {
			trace = span.Trace()
		}
		c.Response().Header.Set(headerTrace, trace)
	}
	return span
}

// spanOf is the span of a request; nil where there is none.
func spanOf(c *fiber.Ctx) Span {
	span, _ := c.Context().UserValue(spanKey{}).(Span)
	return span
}

// endSpan ends the span of a request that has been answered.
func (s *Server) endSpan(span Span, c *fiber.Ctx) {
	if span == nil {
		return
	}
	path, routed := s.patterns[c.Route().Path]
	if !routed {
		path = Unrouted
	}
	span.End(c.Method(), path, c.Response().StatusCode(), requestID(c))
}

// follow finds the trace that the call's commands belong to. Those that change
// something always have one, since it is kept with what happened.
func (c *call) follow() {
	if span := spanOf(c.fiber); span != nil {
		c.trace = span.Trace()
		if c.principal != nil {
			span.User(c.principal.UserID)
		}
		return
	}
	if c.trace = string(c.fiber.Response().Header.Peek(headerTrace)); c.trace == "" && !c.op.reads() {
		c.trace = newTrace()
	}
}

const (
	traceLength = 55 // 00-<32>-<16>-<2>
	flagsAt     = 53
)

// continued is the caller's trace (W3C Trace Context) with a span of our own;
// empty where there is none to continue.
func continued(header []byte) string {
	const length = traceLength
	t := string(header)
	if len(t) < length || t[2] != '-' || t[35] != '-' || t[52] != '-' || !isHex(t[:2]) || !isHex(t[3:35]) || !isHex(t[36:52]) || !isHex(t[53:55]) {
		return ""
	}
	newer := t[:2] != "00" // what a later version adds is cut off
	if t[:2] == "ff" || isZero(t[3:35]) || isZero(t[36:52]) || len(t) > length && (!newer || t[length] != '-') {
		return ""
	}
	flags := "-00" // of which we know one: whether somebody records it
	if messages.Sampled(t[:length]) {
		flags = "-01"
	}
	b := append(make([]byte, 0, length), "00-"+t[3:36]...)
	return string(append(appendID(b), flags...))
}

// newTrace begins a trace that nobody samples.
func newTrace() string {
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(appendID(appendID(b)), '-')
	return string(append(appendID(b), "-00"...))
}

// appendID renders eight random bytes, not all of them zero.
func appendID(b []byte) []byte {
	return hex.AppendEncode(b, binary.BigEndian.AppendUint64(nil, rand.Uint64()|1))
}

func isHex(s string) bool  { return strings.Trim(s, "0123456789abcdef") == "" }
func isZero(s string) bool { return strings.Trim(s, "0") == "" }
