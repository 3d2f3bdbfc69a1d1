package http

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

// retirement is when an operation was, or will be, given up.
type retirement struct {
	Deprecated time.Time // from then on clients should use something else; zero: they need not
	Sunset     time.Time // from then on it may be gone; zero: nobody knows yet
	Instead    string    // path below the base path of what to use; empty: nothing
}

// announce says so in every reply (RFC 9745, RFC 8594).
func (r *retirement) announce(f *fiber.Ctx) {
	if r.Deprecated.IsZero() {
		return
	}
	f.Set("Deprecation", "@"+strconv.FormatInt(r.Deprecated.Unix(), 10))
	if !r.Sunset.IsZero() {
		f.Set("Sunset", r.Sunset.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	}
	if r.Instead != "" {
		f.Append(fiber.HeaderLink, "<"+base+r.Instead+`>; rel="successor-version"`)
	}
}
