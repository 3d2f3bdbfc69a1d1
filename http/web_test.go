package http

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

func webServer(files fs.FS) *Server {
	s := fakeServer()
	s.deps.Web = files
	return New(s.config, s.deps)
}

var builtFiles = fstest.MapFS{
	"index.html":         {Data: []byte("<!doctype html>")},
	"assets/main-A1.js":  {Data: []byte(strings.Repeat("work();", 1000))},
	"assets/main-B2.css": {Data: []byte("main{}")},
}

// TestTheClientForBrowsers: its pages and assets are there, and nothing of the API
// is behind them.
func TestTheClientForBrowsers(t *testing.T) {
	t.Parallel()
	s := webServer(builtFiles)
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		method, path, accept string
		status               int
		kind                 string
	}{
		{"GET", "/", "*/*", 200, htmlType},
		{"HEAD", "/", browser, 200, htmlType},
		{"GET", "/sign-in", browser, 200, htmlType},
		{"GET", "/projects/" + someProject, browser, 200, htmlType},
		{"GET", "/projects/" + someProject + "/documents/" + someUser, browser, 200, htmlType},
		{"GET", "/nowhere", browser, 404, htmlType},
		{"GET", "/nowhere", "*/*", 404, "application/problem+json"},
		{"GET", "/assets/main-A1.js", "*/*", 200, "text/javascript; charset=utf-8"},
		{"GET", "/assets/main-B2.css", "*/*", 200, "text/css; charset=utf-8"},
		{"GET", "/assets/main-Z9.js", "*/*", 404, "application/problem+json"},
		{"GET", "/assets/", "*/*", 404, "application/problem+json"},
		{"GET", "/index.html", "*/*", 404, "application/problem+json"},
		{"GET", "/api/v1/nowhere", browser, 404, "application/problem+json"},
		{"GET", "/api", browser, 404, "application/problem+json"},
		{"GET", "/docs/nowhere", browser, 404, "application/problem+json"},
		{"GET", "/openapi.json/", browser, 404, "application/problem+json"},
		{"GET", "/.well-known/nowhere", browser, 404, "application/problem+json"},
		{"GET", "/problems", browser, 200, "application/json"},
		{"GET", "/livez", browser, 200, "application/json"},
		{"GET", "/docs", browser, 200, htmlType},
		{"GET", "/verify-email", browser, 200, htmlType},
		{"POST", "/", browser, 404, "application/problem+json"},
		{"DELETE", "/projects", browser, 404, "application/problem+json"},
	} {
		r := s.ask(c.method, c.path, "", "Accept", c.accept)
		require.Equal(t, c.status, r.StatusCode(), "%s %s", c.method, c.path)
		require.Equal(t, c.kind, string(r.Header.ContentType()), "%s %s", c.method, c.path)
	}
}

func TestTheClientIsKeptByBrowsers(t *testing.T) {
	t.Parallel()
	s := webServer(builtFiles)
	header := func(r *fasthttp.Response, name string) string { return string(r.Header.Peek(name)) }
	page := s.ask("GET", "/projects", "", "Accept", "text/html")
	require.Equal(t, "no-cache", header(page, "Cache-Control"))
	script := s.ask("GET", "/assets/main-A1.js", "", "Accept-Encoding", "gzip, br")
	require.Equal(t, "public, max-age=31536000, immutable", header(script, "Cache-Control"))
	require.Equal(t, "gzip", header(script, "Content-Encoding"))
	whole, err := script.BodyGunzip()
	require.NoError(t, err)
	require.Equal(t, builtFiles["assets/main-A1.js"].Data, whole)
	plain := s.ask("GET", "/assets/main-A1.js", "")
	require.Equal(t, builtFiles["assets/main-A1.js"].Data, plain.Body())
	for _, r := range []*fasthttp.Response{page, script, plain} {
		require.Equal(t, "Accept-Encoding", header(r, "Vary"))
		policy := header(r, "Content-Security-Policy")
		require.True(t, strings.HasPrefix(policy, "default-src 'none';"), policy)
		require.NotContains(t, policy, "unsafe")
		require.NotContains(t, policy, "http")
		require.Equal(t, "nosniff", header(r, "X-Content-Type-Options"))
	}
}

func TestAClientThatIsNotWholeStopsTheStart(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { webServer(fstest.MapFS{"assets/main-A1.js": {}}) })
	require.NotPanics(t, func() { webServer(nil) })
}

// TestOwnPages: on one's own machine the service has several names, and its pages are
// its own under each; no other page is.
func TestOwnPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		public, host, origin string
		ours                 bool
	}{
		{"https://atelier.example.com", "atelier.example.com", "https://atelier.example.com", true},
		{"https://atelier.example.com/base", "10.0.0.7:8080", "https://atelier.example.com", true},
		{"https://atelier.example.com", "evil.example.com", "https://evil.example.com", false},
		{"https://atelier.example.com", "localhost:8080", "https://localhost:8080", false},
		{"http://127.0.0.1:8080", "localhost:8080", "http://localhost:8080", true},
		{"http://127.0.0.1:8080", "[::1]:8080", "http://[::1]:8080", true},
		{"http://127.0.0.1:8080", "localhost:8080", "http://localhost:3000", false},
		{"http://127.0.0.1:8080", "localhost:8080", "https://localhost:8080", false},
		{"http://127.0.0.1:8080", "evil.example.com:8080", "http://evil.example.com:8080", false},
		{"http://127.0.0.1:8080", "127.0.0.1:8080", "null", false},
	} {
		s := fakeServer()
		s.config.PublicURL = c.public
		ctx := s.app.AcquireCtx(&fasthttp.RequestCtx{})
		ctx.Request().Header.SetHost(c.host)
		require.Equal(t, c.ours, s.ours(ctx, c.origin), "%s of %s at %s", c.origin, c.public, c.host)
		s.app.ReleaseCtx(ctx)
	}
}
