package http

import (
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// The edge's own cost, without a network and with entities that answer at once.
// What a request costs beyond BenchmarkHello is what the edge adds to Fiber.

func benchmark(b *testing.B, handler fasthttp.RequestHandler, request *fasthttp.Request, status int) {
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
	if ctx.Response.StatusCode() != status {
		b.Fatalf("%d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}

func newRequest(method, path, body string, headers ...string) *fasthttp.Request {
	request := &fasthttp.Request{}
	request.Header.SetMethod(method)
	request.SetRequestURI(path)
	request.Header.Set("Authorization", "Bearer "+goodToken)
	if body != "" {
		request.Header.SetContentType("application/json")
		request.SetBodyString(body)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return request
}

func BenchmarkHello(b *testing.B) {
	app := fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true})
	app.Get("/api/v1/projects/:id", func(c *fiber.Ctx) error { return c.SendString("hello") })
	benchmark(b, app.Handler(), newRequest("GET", base+"/projects/"+someProject, ""), 200)
}

func BenchmarkRead(b *testing.B) {
	benchmark(b, fakeServer().app.Handler(), newRequest("GET", base+"/projects/"+someProject, ""), 200)
}

func BenchmarkCreate(b *testing.B) {
	const body = `{"name":"Harbour","description":"a quiet one","settings":{"max_collaborators":20,"public":false}}`
	benchmark(b, fakeServer().app.Handler(), newRequest("POST", base+"/projects", body, "Idempotency-Key", "0190a000-0000-7000-8000-000000000009"), 201)
}

func BenchmarkRefused(b *testing.B) {
	benchmark(b, fakeServer().app.Handler(), newRequest("POST", base+"/projects", `{"name":"","colour":"red"}`), 400)
}
