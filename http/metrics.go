package http

import (
	"time"

	"github.com/gofiber/fiber/v2"
)

// Meter is told of every request that was understood.
type Meter interface {
	// Endpoint is whom to tell of a method's requests to an endpoint: the pattern
	// of a route, or Unrouted. It is asked for at the start alone; what it returns is
	// called with every request and neither blocks nor allocates.
	Endpoint(method, endpoint string) func(status int, took time.Duration)
	// Overloaded: a request was refused because too many are being answered.
	Overloaded(queue string)
	// Limited: a request was refused because its caller has used up a budget.
	Limited(budget string)
}

// QueueEdge is the requests that are being answered.
const QueueEdge = "edge"

// Unrouted is the endpoint of requests that no route takes.
const Unrouted = "none"

type endpoint struct{ method, route string }

// meter has the requests of a route told to the meter under its pattern.
func (s *Server) meter(method, route, pattern string) {
	if s.deps.Meter != nil {
		s.told[endpoint{method, route}] = s.deps.Meter.Endpoint(method, pattern)
	}
}

// unrouted are the methods that the router knows.
func (s *Server) unrouted() {
	for _, method := range fiber.DefaultMethods {
		s.meter(method, Unrouted, Unrouted)
	}
}

// tell tells the meter of a request that has been answered.
func (s *Server) tell(c *fiber.Ctx, took time.Duration) {
	if s.deps.Meter == nil {
		return
	}
	told, ok := s.told[endpoint{c.Method(), c.Route().Path}]
	if !ok {
		told = s.told[endpoint{c.Method(), Unrouted}]
	}
	told(c.Response().StatusCode(), took)
}

// InFlight is the number of requests that are being answered.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }
