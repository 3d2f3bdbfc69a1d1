package actors

import (
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Tracer makes spans of the commands that an entity carries out. It is asked for
// those alone whose trace somebody samples. Its methods, and those of its spans,
// are called while commands wait and do not block.
type Tracer interface {
	// Command begins the span of a command, within the trace that it came with (a
	// traceparent of W3C Trace Context).
	Command(trace, command string, kind store.Kind) Span
}

// Span is a command's time in its entity: from when it came to its answer.
type Span interface {
	// Trace is the traceparent of what happens because of the command.
	Trace() string
	// Committed: a commit that the command was in has ended, well or with an error.
	Committed(began time.Time, err error)
	// End ends the span. The code is that of a refusal, or empty.
	End(code string)
}

// trace begins the span of a command; nil where nobody samples it.
func (s *spec[S]) trace(c messages.Command) Span {
	trace := c.GetMeta().GetTrace()
	if s.runtime.deps.Tracer == nil || !messages.Sampled(trace) {
		return nil
	}
	return s.runtime.deps.Tracer.Command(trace, string(c.ProtoReflect().Descriptor().Name()), s.name)
}

// end ends a span, where there is one, with the answer of its command.
func end(s Span, answer proto.Message) {
	if s == nil {
		return
	}
	refusal, _ := answer.(*messages.Error)
	s.End(refusal.GetCode())
}

// trace is what events belong to that the command decides.
func (p *pending[S]) trace() string {
	if p.span != nil {
		return p.span.Trace()
	}
	return p.command.GetMeta().GetTrace()
}

// committed tells the spans of a flight how its commit ended.
func (f *flight[S]) committed(err error) {
	for _, p := range f.commands {
		if p.span != nil {
			p.span.Committed(f.left, err)
		}
	}
}
