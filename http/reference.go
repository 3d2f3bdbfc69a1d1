package http

import (
	"embed"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

//go:embed reference
var referenceFiles embed.FS

// referencePolicy lets the page run its own scripts, look as it does, and read the
// document. Nothing comes from another host or goes to one.
const referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// tableReference is the page that shows the OpenAPI document to people.
func (s *Server) tableReference() {
	for _, f := range []struct{ id, path, file, kind, summary string }{
		{"getReference", "/docs", "index.html", "text/html; charset=utf-8", "The OpenAPI document as a page"},
		{"getReferenceStyle", "/docs/page.css", "page.css", "text/css; charset=utf-8", "Style of that page"},
		{"getReferenceStart", "/docs/page.js", "page.js", "text/javascript; charset=utf-8", "Script of that page"},
		{"getReferenceScript", "/docs/redoc.js", "redoc.js.gz", "text/javascript; charset=utf-8", "Script of that page: Redoc"},
	} {
		content, err := referenceFiles.ReadFile("reference/" + f.file)
		if err != nil {
			panic("http: a file of the reference is not there: " + err.Error())
		}
		packed := f.file == "redoc.js.gz"
		o := addPage[none, none](s, operation{ID: f.id, Path: f.path, Summary: f.summary, asset: true}, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderContentType, f.kind)
			c.Set(fiber.HeaderCacheControl, "public, max-age=300")
			c.Set(fiber.HeaderContentSecurityPolicy, referencePolicy)
			if packed {
				return sendPacked(c, content)
			}
			c.Response().SetBodyRaw(content)
			return nil
		})
		o.Responses["200"].Content = map[string]*huma.MediaType{f.kind: {Schema: &huma.Schema{Type: huma.TypeString}}}
	}
}

// sendPacked sends what is kept compressed.
func sendPacked(c *fiber.Ctx, content []byte) error {
	c.Vary(fiber.HeaderAcceptEncoding)
	if takesGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		c.Response().Header.SetContentEncoding("gzip")
		c.Response().SetBodyRaw(content)
		return nil
	}
	whole, err := fasthttp.AppendGunzipBytes(nil, content)
	c.Response().SetBodyRaw(whole)
	return err
}
