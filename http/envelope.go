package http

import (
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

const headerRequestID = "X-Request-Id"

// begin gives the reply what every reply has: the request's id and rules for caches.
func (s *Server) begin(c *fiber.Ctx) {
	id := c.Get(headerRequestID)
	if !wellFormed(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	header := &c.Response().Header
	s.common.CopyTo(header)
	header.Set(headerRequestID, id)
	s.share(c)
}

// envelope is around every request: what all replies have, the in-flight limit,
// and the end of panics.
func (s *Server) envelope(c *fiber.Ctx) (err error) {
	began := time.Now()
	s.begin(c)
	span := s.trace(c)
	defer func() {
		if r := recover(); r != nil {
			s.deps.Log.Error("request panicked", "request_id", requestID(c), "panic", r, "stack", string(debug.Stack()))
			err = s.fail(c, unexpected())
		}
		if s.draining.Load() {
			c.Response().Header.SetConnectionClose()
		}
		took := time.Since(began)
		s.tell(c, took)
		s.endSpan(span, c)
		s.record(c, took)
	}()
	defer s.inFlight.Add(-1)
	if n := s.inFlight.Add(1); n > int64(s.config.MaxInFlight) && !health(c.Path()) {
		if s.deps.Meter != nil {
			s.deps.Meter.Overloaded(QueueEdge)
		}
		return s.fail(c, messages.Refuse(messages.CodeOverloaded, "the node has too many requests in flight"))
	}
	if ambiguous(&c.Request().Header) {
		c.Response().Header.SetConnectionClose()
		return s.fail(c, s.chargeUnrouted(c, fiber.ErrBadRequest))
	}
	if err := c.Next(); err != nil {
		return s.unanswered(c, err)
	}
	return nil
}

// unanswered is for requests that no route has answered: the client for browsers
// may, and else the caller is told why not.
func (s *Server) unanswered(c *fiber.Ctx, err error) error {
	answered, refused := s.webReply(c, err)
	switch {
	case refused != nil:
		return s.fail(c, refused)
	case answered:
		return nil
	default:
		return s.fail(c, s.chargeUnrouted(c, err))
	}
}

// record writes the request to the log, without its query, which may hold what
// logs must not.
func (s *Server) record(c *fiber.Ctx, took time.Duration) {
	if !s.deps.Log.Enabled(unbound(), slog.LevelDebug) {
		return
	}
	s.deps.Log.Debug("request", "method", c.Method(), "path", logged(c.Path()), "status", c.Response().StatusCode(),
		"took", took, "request_id", requestID(c))
}

// logged is a path as logs may have it.
func logged(path string) string { return shown(tokenless(path)) }

// tokenless is a path without the token of an invitation's link.
func tokenless(path string) string {
	const before = base + "/invitations/"
	if rest, is := strings.CutPrefix(path, before); is {
		_, action, more := strings.Cut(rest, "/")
		if path = before + "…"; more {
			path += "/" + action
		}
	}
	return path
}

func health(path string) bool { return path == "/livez" || path == "/readyz" }

func requestID(c *fiber.Ctx) string { return string(c.Response().Header.Peek(headerRequestID)) }

// wellFormed ids are taken over: they go to logs and other systems.
func wellFormed(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// knownMethods turns methods that the router has never heard of into one that
// it knows and no path takes, so that they too are answered with a problem.
func knownMethods(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		switch string(ctx.Method()) {
		case "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT":
		default:
			ctx.Request.Header.SetMethod("TRACE")
		}
		next(ctx)
	}
}

// userAgent is what the client says it is, cut to what is worth keeping.
func userAgent(c *call) string {
	const most = 255
	agent := c.fiber.Get(fiber.HeaderUserAgent)
	return strings.ToValidUTF8(agent[:min(len(agent), most)], "")
}
