package http

import (
	"bytes"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// securityHeaders are on every reply. Replies are data: no browser is to guess
// their type, show them within a page, run anything of them, or tell others of them.
// They are made once and copied into each reply as a whole.
func securityHeaders(publicURL string) *fasthttp.ResponseHeader {
	all := &fasthttp.ResponseHeader{}
	all.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	all.Set(fiber.HeaderXFrameOptions, "DENY")
	all.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	all.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	all.Set("Cross-Origin-Resource-Policy", "same-origin")
	all.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.HasPrefix(publicURL, "https://") {
		all.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return all
}

// commonHeaders are those, and the rules for caches.
func commonHeaders(publicURL string) *fasthttp.ResponseHeader {
	all := securityHeaders(publicURL)
	all.SetNoDefaultContentType(true)
	all.Set(fiber.HeaderCacheControl, "private, no-store")
	all.Set(fiber.HeaderVary, "Authorization, Cookie")
	return all
}

// ambiguous reports whether others on the way may have read the request in another
// way than the parser did (RFC 9112, 2.2, 5.2 and 6.3): then a proxy could have taken
// its rest for another request. The parser itself refuses lengths that come twice or are no
// numbers, and codings that it does not know.
func ambiguous(h *fasthttp.RequestHeader) bool {
	if p := h.Protocol(); string(p) != "HTTP/1.1" && string(p) != "HTTP/1.0" {
		return true
	}
	var length, coding, credentials int
	for raw := h.RawHeaders(); len(raw) > 0; {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return true // a line that ends with a bare LF
		}
		line := raw[:end-1]
		if raw = raw[end+1:]; len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || bytes.IndexByte(line, '\r') >= 0 || bytes.ContainsAny(line[:colon], " \t") {
			return true // a bare CR, a folded line, a space in a name
		}
		switch name := line[:colon]; {
		case is(name, "Content-Length"):
			length++
		case is(name, "Transfer-Encoding"):
			coding++
		case is(name, "Authorization"):
			credentials++
		}
	}
	return length > 0 && coding > 0 || coding > 0 && string(h.Protocol()) == "HTTP/1.0" || credentials > 1
}

func is(name []byte, header string) bool {
	return len(name) == len(header) && bytes.EqualFold(name, []byte(header))
}
