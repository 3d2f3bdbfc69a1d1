package main

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzRequests sends a running server made-up requests: to every operation that reads,
// or that takes a body, with made-up parts of the path, queries, headers and bodies. It
// never fails, and all that it answers is documented.
func FuzzRequests(f *testing.F) {
	p := startLogged(f, engines["embedded"](f), func(*settings) {}, slog.New(slog.DiscardHandler)) // while input is made up, f takes no log
	d := readDocument(f, p)
	root := admin(f, p)
	project := root.post("/projects", object{"name": "Harbour"}).text("id")
	var drivers []*driver
	for path, methods := range d.Paths {
		for method, op := range methods {
			if method == "get" || op.Body != nil {
				drivers = append(drivers, &driver{generator: &generator{openAPI: d}, p: p, method: strings.ToUpper(method), path: path, op: op})
			}
		}
	}
	slices.SortFunc(drivers, func(a, b *driver) int { return strings.Compare(a.op.ID, b.op.ID) })
	for i := range drivers {
		f.Add(uint8(i), "", "", "", []byte(`{"name":"x"}`))
		f.Add(uint8(i), "0190a000-0000-7000-8000-000000000001", "limit=1&cursor=x", "X-Request-Id: a", []byte(`{}`))
		f.Add(uint8(i), "x", "user=%00&explain=1", "If-Match: \"1\"", []byte(`[`))
	}
	f.Fuzz(func(t *testing.T, which uint8, segment, query, header string, body []byte) {
		dr := drivers[int(which)%len(drivers)]
		if segment == "" {
			segment = project
		}
		path := dr.path
		for strings.Contains(path, "{") {
			from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
			path = path[:from] + url.PathEscape(segment) + path[to+1:]
		}
		if query != "" {
			path += "?" + strings.NewReplacer("#", "%23", " ", "+").Replace(query)
		}
		var headers []string
		if name, value, ok := strings.Cut(header, ": "); ok && headerName(name) && headerValue(value) {
			headers = []string{name + ": " + value}
		}
		var content any
		if dr.op.Body != nil {
			content = body
		}
		c := *root
		c.t = t
		a, err := c.try(dr.method, path, content, headers...)
		if err != nil {
			return // not sent: Go's client has no request of it
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") && a.status < 500 && dr.op.Responses["404"].Content == nil {
			return // of no operation: the path leads elsewhere
		}
		require.Empty(t, dr.check(a, false), "%s %s %q %q", dr.method, path, headers, body)
	})
}

// headerName reports whether a header of that name may be sent; of those that end or frame
// the exchange none is made up.
func headerName(name string) bool {
	if name == "" || slices.Contains([]string{"host", "content-length", "transfer-encoding", "connection", "expect", "te", "trailer", "upgrade", "accept-encoding"}, strings.ToLower(name)) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
}

func headerValue(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// FuzzReadConfig makes up files of settings.
func FuzzReadConfig(f *testing.F) {
	for _, seed := range []string{"", "env: production\n", "a: [1]", "a: b\na: c", "- x", "&a [*a]", "a: !!binary x", "\t", "a: |\n  b\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		values, err := readConfig(strings.NewReader(content))
		require.True(t, err == nil || values == nil)
	})
}

// FuzzReadArchive makes up backups: one that is not whole is refused.
func FuzzReadArchive(f *testing.F) {
	dir := f.TempDir()
	good := filepath.Join(dir, "good")
	a, err := newArchive(good, manifest{Engine: "sqlite"})
	require.NoError(f, err)
	_, err = a.close()
	require.NoError(f, err)
	seed, err := os.ReadFile(good)
	require.NoError(f, err)
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("atelier"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(t.TempDir(), "backup")
		require.NoError(t, os.WriteFile(file, content, 0o600))
		m, err := readArchive(file)
		require.True(t, (m == nil) != (err == nil))
	})
}
