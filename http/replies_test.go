package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

// TestLargeListsAreCompressed, and nothing else: no secret stands next to what a
// stranger chose, and an ETag stands for one representation.
func TestLargeListsAreCompressed(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	many := &messages.ProjectPage{}
	for range 50 {
		many.Items = append(many.Items, fakeProject())
	}
	s.deps.Queries = listing{page: many}
	for _, path := range []string{"/openapi.json", "/problems", base + "/projects"} {
		plain, packed := s.ask("GET", path, ""), s.ask("GET", path, "", "Accept-Encoding", "br;q=1.0, gzip;q=0.8, *;q=0.1")
		require.Empty(t, plain.Header.ContentEncoding(), path)
		require.Equal(t, "gzip", string(packed.Header.ContentEncoding()), path)
		require.Contains(t, string(plain.Header.Peek("Vary")), "Accept-Encoding", path)
		require.Contains(t, string(packed.Header.Peek("Vary")), "Accept-Encoding", path)
		require.Less(t, len(packed.Body()), len(plain.Body())/3, path)
		r, err := gzip.NewReader(bytes.NewReader(packed.Body()))
		require.NoError(t, err)
		whole, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, string(plain.Body()), string(whole))
	}
	for _, header := range []string{"", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *"} {
		require.Empty(t, s.ask("GET", "/openapi.json", "", "Accept-Encoding", header).Header.ContentEncoding(), header)
	}
	s.deps.Queries = fakeQueries{}
	require.Empty(t, s.ask("GET", base+"/projects", "", "Accept-Encoding", "gzip").Header.ContentEncoding(), "a small one is not worth it")
	askEach(t, s, func(t *testing.T, op operation, r *fasthttp.Response) {
		if !op.List && !op.page {
			require.Empty(t, r.Header.ContentEncoding(), op.ID)
		}
		if op.Secret || op.ETag || strings.HasPrefix(op.Path, "/auth/") {
			require.False(t, op.compressible(), op.ID)
		}
	}, "Accept-Encoding", "gzip")
}

type listing struct {
	fakeQueries
	page *messages.ProjectPage
}

func (l listing) ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error) {
	return l.page, nil
}

// TestOnlyListedOriginsMayRead replies.
func TestOnlyListedOriginsMayRead(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	config := s.config
	var err error
	config.Origins, err = ParseOrigins("https://app.example.com, https://Other.example.com:443/, http://localhost:5173")
	require.NoError(t, err)
	s = New(config, s.deps)
	for origin, listed := range map[string]bool{
		"https://app.example.com": true, "https://other.example.com": true, "http://localhost:5173": true,
		"http://app.example.com": false, "https://app.example.com.evil.example": false, "https://evil-app.example.com": false, "https://app.example.com:8443": false,
		"null": false, "*": false, "": false, "https://app.example.com/": false, "HTTPS://APP.EXAMPLE.COM": false, "http://localhost": false,
		"https://app.example.com, https://evil.example": false,
	} {
		askEach(t, s, func(t *testing.T, op operation, r *fasthttp.Response) {
			require.Contains(t, string(r.Header.Peek("Vary")), "Origin")
			if !listed {
				for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
					require.Empty(t, r.Header.Peek(name), "%s for %q", op.ID, origin)
				}
				return
			}
			require.Equal(t, origin, string(r.Header.Peek("Access-Control-Allow-Origin")), op.ID)
			require.Equal(t, "true", string(r.Header.Peek("Access-Control-Allow-Credentials")))
			require.Contains(t, string(r.Header.Peek("Access-Control-Expose-Headers")), "RateLimit")
		}, "Origin", origin)
		preflight := s.ask("OPTIONS", somePath, "", "Origin", origin, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "if-match")
		require.Equal(t, 204, preflight.StatusCode())
		require.Equal(t, listed, strings.Contains(string(preflight.Header.Peek("Access-Control-Allow-Methods")), "PATCH"), origin)
		require.Equal(t, listed, strings.Contains(string(preflight.Header.Peek("Access-Control-Allow-Headers")), "If-Match"), origin)
		require.Equal(t, listed, len(preflight.Header.Peek("Access-Control-Max-Age")) > 0, origin)
	}
	nobody := fakeServer().ask("GET", somePath, "", "Origin", "https://app.example.com")
	require.Empty(t, nobody.Header.Peek("Access-Control-Allow-Origin"), "nobody is listed")
	require.Equal(t, "Authorization, Cookie", string(nobody.Header.Peek("Vary")))
	for _, wrong := range []string{"*", "https://*.example.com", "app.example.com", "https://", "https://a.example/path", "ftp://a.example", "https://u@a.example", "null"} {
		_, err := ParseOrigins(wrong)
		require.Error(t, err, wrong)
	}
}

// TestRetiredOperationsSaySo in their replies and in the document.
func TestRetiredOperationsSaySo(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	h := func(context.Context, *call, *none) (*result[none], error) {
		return nil, messages.Refuse(messages.CodeForbidden, "no")
	}
	at := time.Date(2027, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	add(s, operation{ID: "old", Method: "GET", Path: "/old", Summary: "Old", Permission: signedIn, Status: 204, retirement: retirement{
		Deprecated: at, Sunset: at.AddDate(1, 0, 0), Instead: "/new"}}, h)
	for _, headers := range [][]string{nil, {"Authorization", ""}} { // whether refused or not
		r := s.ask("GET", base+"/old", "", headers...)
		require.Equal(t, "@1803898800", string(r.Header.Peek("Deprecation")))
		require.Equal(t, "Wed, 01 Mar 2028 11:00:00 GMT", string(r.Header.Peek("Sunset")))
		require.Equal(t, `<`+base+`/new>; rel="successor-version"`, string(r.Header.Peek("Link")))
	}
	require.Empty(t, s.ask("GET", somePath, "").Header.Peek("Deprecation"))
	require.True(t, s.document.Paths[base+"/old"].Get.Deprecated)
	require.False(t, s.document.Paths[base+"/projects"].Get.Deprecated)
}
