package http

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"atelier/messages"
)

const (
	headerRequestID = "X-Request-Id"
	localRequestID  = "request_id"
)

// envelope is around every request: its id, headers that all replies have, the
// in-flight limit, and the end of panics.
func (s *Server) envelope(c *fiber.Ctx) (err error) {
	id := c.Get(headerRequestID)
	if !wellFormed(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.Locals(localRequestID, id)
	c.Set(headerRequestID, id)
	c.Set(fiber.HeaderCacheControl, "private, no-store")
	c.Set(fiber.HeaderVary, "Authorization, Cookie")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	defer func() {
		if r := recover(); r != nil {
			s.deps.Log.Error("request panicked", "request_id", id, "panic", r, "stack", string(debug.Stack()))
			err = s.fail(c, messages.Refuse(messages.CodeInternal, "an unexpected error was logged under this request id"))
		}
	}()
	if n := s.inFlight.Add(1); n > int64(s.config.MaxInFlight) && !health(c.Path()) {
		s.inFlight.Add(-1)
		return s.fail(c, messages.Refuse(messages.CodeOverloaded, "the node has too many requests in flight"))
	}
	defer s.inFlight.Add(-1)
	if s.draining.Load() {
		c.Set(fiber.HeaderConnection, "close")
	}
	if err := c.Next(); err != nil {
		return s.fail(c, err)
	}
	return nil
}

func health(path string) bool { return path == "/livez" || path == "/readyz" }

func requestID(c *fiber.Ctx) string {
	id, _ := c.Locals(localRequestID).(string)
	return id
}

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

// fingerprint tells requests apart that use one key.
func fingerprint(c *fiber.Ctx) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", c.Method(), c.OriginalURL())
	h.Write(c.Body())
	return h.Sum(nil)
}

// traceparent continues the caller's trace (W3C Trace Context), or begins one.
func traceparent(c *fiber.Ctx) string {
	if t := c.Get("traceparent"); len(t) == 55 && strings.HasPrefix(t, "00-") && t[35] == '-' && t[52] == '-' && isHex(t[3:35]) && isHex(t[36:52]) && isHex(t[53:]) {
		return t
	}
	return fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64()|1, rand.Uint64()|1)
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != "" || len(s) == 2 && strings.Trim(s, "0123456789abcdef") == ""
}

// acceptable refuses callers that take no JSON.
func acceptable(c *fiber.Ctx) error {
	accept := c.Get(fiber.HeaderAccept)
	if accept == "" || accept == "*/*" || strings.Contains(accept, "application/json") || strings.Contains(accept, "*/*") || strings.Contains(accept, "application/*") {
		return nil
	}
	return messages.Refuse(messages.CodeNotAcceptable, "the reply is application/json")
}
