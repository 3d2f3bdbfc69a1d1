package http

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/pprof"

	"atelier/messages"
)

// tablePages are what stands beside the versioned API: outside its path, for
// everyone, and in the document too.
func (s *Server) tablePages() {
	addPage[none, freeObject](s, operation{ID: "getOpenAPI", Path: "/openapi.json", Summary: "This document"}, func(c *fiber.Ctx) error {
		return sendJSON(c, s.Document())
	})
	s.tableReference()
	addPage[none, jwksBody](s, operation{ID: "getJWKS", Path: "/.well-known/jwks.json", Summary: "Public keys of access tokens (RFC 7517)"}, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "public, max-age=300")
		return sendJSON(c, s.deps.JWKS())
	})
	addPage[none, problemsBody](s, operation{ID: "listProblems", Path: "/problems", Summary: "All problems that the service may answer"}, func(c *fiber.Ctx) error {
		return sendValue(c, problemsBody{Items: s.problemList()})
	})
	addPage[problemInput, problemEntry](s, operation{ID: "getProblem", Path: "/problems/{code}", Summary: "One problem", Codes: []string{messages.CodeNotFound}}, s.problemPage)
	s.tableLinkPages()
	addPage[none, statusBody](s, operation{ID: "livez", Path: "/livez", Summary: "Whether the process lives; it asks nobody"}, live)
	o := addPage[none, readinessBody](s, operation{ID: "readyz", Path: "/readyz", Summary: "Whether the node takes requests, and why not"}, readiness(s.Ready))
	o.Responses["503"] = &huma.Response{Description: "Not ready", Headers: maps.Clone(s.everyReply), Content: o.Responses["200"].Content}
}

// addPage adds an operation beside the versioned API.
func addPage[I, O any](s *Server, op operation, h fiber.Handler) *huma.Operation {
	op.Method, op.Permission, op.Status, op.page = "GET", public, fiber.StatusOK, true
	o := s.describe(op.Path, &op, planFor[I](s, op.Method), reflect.TypeFor[O]())
	s.routes = append(s.routes, op)
	s.route(op.Method, op.Path, func(f *fiber.Ctx) error {
		if !health(op.Path) {
			if err := s.charge(unbound(), f, ""); err != nil {
				return err
			}
		}
		if err := h(f); err != nil {
			return err
		}
		if op.compressible() {
			compress(f)
		}
		return nil
	})
	return o
}

func sendJSON(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Response().SetBodyRaw(body)
	return nil
}

func sendValue(c *fiber.Ctx, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return sendJSON(c, body)
}

type jwkBody struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Use string `json:"use"`
	X   string `json:"x"`
}

type jwksBody struct {
	Keys []jwkBody `json:"keys" nullable:"false"`
}

type statusBody struct {
	Status string `json:"status"`
}

type readinessBody struct {
	Status  string   `json:"status" enum:"ready,not ready"`
	Reasons []string `json:"reasons" nullable:"false" doc:"Why the node is not ready"`
}

func live(c *fiber.Ctx) error { return sendValue(c, statusBody{Status: "alive"}) }

// readiness says why not.
func readiness(ready func(context.Context) []string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, cancel := within(time.Second)
		defer cancel()
		if reasons := ready(ctx); len(reasons) > 0 {
			c.Status(fiber.StatusServiceUnavailable)
			return sendValue(c, readinessBody{Status: "not ready", Reasons: reasons})
		}
		return sendValue(c, readinessBody{Status: "ready", Reasons: []string{}})
	}
}

// Ready is why the node takes no requests, nothing when it does. A server that
// shuts down takes none, whatever else is well.
func (s *Server) Ready(ctx context.Context) []string {
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

// problemsBody has the form of every list; it has one page.
type problemsBody struct {
	Items      []problemEntry `json:"items" nullable:"false"`
	NextCursor *string        `json:"next_cursor" nullable:"true"`
}

func (s *Server) problemList() []problemEntry {
	list := make([]problemEntry, 0, len(s.problems))
	for code, p := range s.problems {
		list = append(list, problemEntry{Type: "/problems/" + code, Code: code, Status: p.Status, Title: p.Title})
	}
	slices.SortFunc(list, func(a, b problemEntry) int { return cmp.Or(a.Status-b.Status, cmp.Compare(a.Code, b.Code)) })
	return list
}

type problemInput struct {
	Code string `path:"code"`
}

func (s *Server) problemPage(c *fiber.Ctx) error {
	code := c.Params("code")
	p, known := s.problems[code]
	if !known {
		return messages.Refuse(messages.CodeNotFound, "there is no problem of that name")
	}
	return sendValue(c, problemEntry{Type: "/problems/" + code, Code: code, Status: p.Status, Title: p.Title})
}

// NewOps is the operations listener, on an address of its own: health, with the
// edge's own readiness, the metrics, the nodes, the outbox, and the profiles of the
// Go runtime. The command line is not among them: flags may hold secrets.
func NewOps(ready func(context.Context) []string, m members, o outbox, metrics func() (text []byte, kind string, err error)) *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout})
	headers := securityHeaders("")
	app.Use(func(c *fiber.Ctx) error {
		headers.CopyTo(&c.Response().Header)
		return c.Next()
	})
	app.Get("/livez", live)
	app.Get("/readyz", readiness(ready))
	app.Get("/metrics", func(c *fiber.Ctx) error {
		text, kind, err := metrics()
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, kind)
		return c.Send(text)
	})
	app.Get("/cluster", opsCluster(m))
	app.Post("/drain", opsDrain(m))
	app.Get("/outbox", opsOutbox(o))
	app.Post("/outbox/redrive", opsRedrive(o))
	app.All("/debug/pprof/cmdline", func(*fiber.Ctx) error { return fiber.ErrNotFound })
	app.Use(pprof.New())
	return app
}
