package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Bodies from this size on are compressed. The level is a fast one: lists shrink
// to a fifth with it.
const (
	compressFrom  = 2 << 10
	compressLevel = fasthttp.CompressBestSpeed
)

// compressible operations have replies that may be large and hold no secrets:
// next to what a stranger chose, a secret could be guessed by the size of
// compressed replies (BREACH). Those with an ETag are left alone too: it would have to
// be another one for each coding.
func (o *operation) compressible() bool {
	return o.reads() && !o.Secret && !o.ETag && (o.List || o.page && !o.asset)
}

// compress compresses a reply whose caller takes that.
func compress(f *fiber.Ctx) {
	r := f.Response()
	if f.Vary(fiber.HeaderAcceptEncoding); r.StatusCode() != fiber.StatusOK || len(r.Body()) < compressFrom || !takesGzip(f.Get(fiber.HeaderAcceptEncoding)) {
		return
	}
	r.SetBodyRaw(fasthttp.AppendGzipBytesLevel(nil, r.Body(), compressLevel))
	r.Header.SetContentEncoding("gzip")
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func takesGzip(header string) bool {
	anything := false
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		takes := !refused(parameters)
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return takes
		case "*":
			anything = takes
		}
	}
	return anything
}
