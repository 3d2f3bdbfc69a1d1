package http

import (
	"errors"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Origins are the sites whose pages may ask and read the answers.
type Origins map[string]bool

// ParseOrigins reads origins, comma-separated: https://app.example.com, …
func ParseOrigins(text string) (Origins, error) {
	all := Origins{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		u, err := url.Parse(part)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Host, "*") {
			return nil, errors.New(part + " is no origin")
		}
		all[origin(u)] = true
	}
	return all, nil
}

// origin is as browsers write it (RFC 6454, 6.2): without the port that its scheme
// has anyway.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// What pages of other sites may send and see, beyond what is always allowed.
const (
	corsRequest = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Atelier-Consistency, Atelier-Timeout, X-CSRF-Token, X-Request-Id, Traceparent"
	corsReply   = "ETag, Location, Link, Retry-After, WWW-Authenticate, X-Request-Id, Traceparent, RateLimit, RateLimit-Policy, Idempotency-Replayed, Atelier-Position, Atelier-Consistency, Deprecation, Sunset"
	corsSeconds = "7200" // the longest that browsers remember
)

// share lets pages of the listed origins read the reply. All others are told
// nothing, and their browsers keep it from them.
func (s *Server) share(c *fiber.Ctx) {
	if len(s.config.Origins) == 0 {
		return
	}
	c.Vary(fiber.HeaderOrigin)
	from := c.Get(fiber.HeaderOrigin)
	if !s.config.Origins[from] {
		return
	}
	c.Set(fiber.HeaderAccessControlAllowOrigin, from)
	c.Set(fiber.HeaderAccessControlAllowCredentials, "true")
	c.Set(fiber.HeaderAccessControlExposeHeaders, corsReply)
}

// preflight answers a browser that asks before it sends what a page of another
// site wants to.
func (s *Server) preflight(c *fiber.Ctx, allow string) {
	if c.Get(fiber.HeaderAccessControlRequestMethod) == "" || !s.config.Origins[c.Get(fiber.HeaderOrigin)] {
		return
	}
	c.Vary(fiber.HeaderAccessControlRequestMethod, fiber.HeaderAccessControlRequestHeaders)
	c.Set(fiber.HeaderAccessControlAllowMethods, allow)
	c.Set(fiber.HeaderAccessControlAllowHeaders, corsRequest)
	c.Set(fiber.HeaderAccessControlMaxAge, corsSeconds)
}
