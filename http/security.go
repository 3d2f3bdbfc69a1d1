package http

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"
)

// header is one of a reply, its name in the canonical form.
type header struct{ name, value []byte }

// securityHeaders are on every reply. Replies are data: no browser is to guess
// their type, show them within a page, run anything of them, or tell others of them.
func securityHeaders(publicURL string) []header {
	all := []header{
		{[]byte("X-Content-Type-Options"), []byte("nosniff")},
		{[]byte("X-Frame-Options"), []byte("DENY")},
		{[]byte("Content-Security-Policy"), []byte("default-src 'none'; frame-ancestors 'none'")},
		{[]byte("Referrer-Policy"), []byte("no-referrer")},
		{[]byte("Cross-Origin-Resource-Policy"), []byte("same-origin")},
		{[]byte("Cross-Origin-Opener-Policy"), []byte("same-origin")},
	}
	if strings.HasPrefix(publicURL, "https://") {
		all = append(all, header{[]byte("Strict-Transport-Security"), []byte("max-age=31536000")})
	}
	return all
}

// secure puts them on a reply.
func secure(r *fasthttp.ResponseHeader, headers []header) {
	for i := range headers {
		r.SetCanonical(headers[i].name, headers[i].value)
	}
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
