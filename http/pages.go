package http

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/pprof"

	"atelier/messages"
)

// pages are what stands beside the versioned API.
func (s *Server) pages() {
	s.app.Get("/openapi.json", func(c *fiber.Ctx) error { return sendJSON(c, s.rendered) })
	s.app.Get("/.well-known/jwks.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "public, max-age=300")
		return sendJSON(c, s.deps.JWKS())
	})
	s.app.Get("/problems", func(c *fiber.Ctx) error { return c.JSON(s.problemList()) })
	s.app.Get("/problems/:code", s.problemPage)
	healthPages(s.app, s.ready)
}

func sendJSON(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(body)
}

// healthPages serve /livez, which asks nobody, and /readyz, which says why not.
func healthPages(app *fiber.App, ready func(context.Context) []string) {
	app.Get("/livez", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "alive"}) })
	app.Get("/readyz", func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.Context(), time.Second)
		defer cancel()
		if reasons := ready(ctx); len(reasons) > 0 {
			return c.Status(fiber.StatusServiceUnavailable).JSON(fiber.Map{"status": "not ready", "reasons": reasons})
		}
		return c.JSON(fiber.Map{"status": "ready", "reasons": []string{}})
	})
}

func (s *Server) ready(ctx context.Context) []string {
	if s.draining.Load() {
		return []string{"the node is shutting down"}
	}
	return s.deps.Ready(ctx)
}

type problemEntry struct {
	Type   string `json:"type"`
	Code   string `json:"code"`
	Status int    `json:"status"`
	Title  string `json:"title"`
}

func (s *Server) problemList() []problemEntry {
	list := make([]problemEntry, 0, len(s.problems))
	for code, p := range s.problems {
		list = append(list, problemEntry{Type: "/problems/" + code, Code: code, Status: p.Status, Title: p.Title})
	}
	slices.SortFunc(list, func(a, b problemEntry) int { return cmp.Or(a.Status-b.Status, cmp.Compare(a.Code, b.Code)) })
	return list
}

func (s *Server) problemPage(c *fiber.Ctx) error {
	code := c.Params("code")
	p, known := s.problems[code]
	if !known {
		return messages.Refuse(messages.CodeNotFound, "there is no problem of that name")
	}
	return c.JSON(problemEntry{Type: "/problems/" + code, Code: code, Status: p.Status, Title: p.Title})
}

// NewOps is the operations listener, on an address of its own: health, and the
// profiles of the Go runtime. The command line is not among them: flags may
// hold secrets.
func NewOps(ready func(context.Context) []string) *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout})
	healthPages(app, ready)
	app.Get("/debug/pprof/cmdline", func(*fiber.Ctx) error { return fiber.ErrNotFound })
	app.Use(pprof.New())
	return app
}
