package http

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// webPolicy lets the client for browsers run and look as it was built. Nothing that
// stands in a page itself runs or shows, and nothing comes from another host.
const webPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// webPages are the first parts of the addresses that the client has pages for.
var webPages = []string{"", "sign-in", "register", "forgot-password", "projects"}

// apiPaths are the first parts of those that it has none for, whatever follows:
// programs ask there, and are told in their way that there is nothing.
var apiPaths = []string{"api", "docs", "problems", ".well-known", "oauth2", "openapi.json", "livez", "readyz", "metrics"}

// webFile is a file of the client, in memory.
type webFile struct {
	content []byte
	packed  func() []byte // by gzip
	kind    string
}

// webClient is the client that the server brings to browsers: one page for all of
// its addresses, and assets whose names change with their content.
type webClient struct {
	page   *webFile
	assets map[string]*webFile // by path
}

// newWebClient reads what was built. It panics where that is not whole: it is part
// of the program.
func newWebClient(files fs.FS) *webClient {
	if files == nil {
		return nil
	}
	w := &webClient{assets: make(map[string]*webFile)}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		f := &webFile{content: content, kind: webType(name), packed: sync.OnceValue(func() []byte {
			return fasthttp.AppendGzipBytesLevel(nil, content, fasthttp.CompressBestCompression)
		})}
		if name == "index.html" {
			w.page = f
			return nil
		}
		w.assets["/"+name] = f
		return nil
	})
	if err != nil || w.page == nil {
		panic("http: the client for browsers is not whole: " + errors.Join(err, fs.ErrNotExist).Error())
	}
	return w
}

// webType is the media type of a file, the same on every machine.
func webType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return htmlType
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// webReply answers what no route takes, where it is the client's: its assets, its
// pages, and other addresses that a person has opened, for which it has a page
// that says so. It reports whether there was an answer.
func (s *Server) webReply(c *fiber.Ctx, err error) (bool, error) {
	var routed *fiber.Error
	if s.web == nil || !errors.As(err, &routed) || routed.Code != fiber.StatusNotFound || c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return false, nil
	}
	if f := s.web.assets[c.Path()]; f != nil { // not charged: they come many at a time, and once
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		f.send(c)
		return true, nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(c.Path(), "/"), "/")
	known := slices.Contains(webPages, first) && (first != "" || c.Path() == "/")
	if !known && (slices.Contains(apiPaths, first) || !strings.Contains(c.Get(fiber.HeaderAccept), "text/html")) {
		return false, nil
	}
	if err := s.charge(unbound(), c, ""); err != nil {
		return true, err
	}
	if !known {
		c.Status(fiber.StatusNotFound)
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	s.web.page.send(c)
	return true, nil
}

// send writes the file, compressed where the browser takes that.
func (f *webFile) send(c *fiber.Ctx) {
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding) // the same for everybody
	c.Set(fiber.HeaderContentType, f.kind)
	c.Set(fiber.HeaderContentSecurityPolicy, webPolicy)
	if len(f.content) >= compressFrom && takesGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		c.Response().Header.SetContentEncoding("gzip")
		c.Response().SetBodyRaw(f.packed())
		return
	}
	c.Response().SetBodyRaw(f.content)
}
