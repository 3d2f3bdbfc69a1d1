package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// deviceSeconds is how long a device is remembered by its cookie.
const deviceSeconds = 365 * 24 * 3600

// deviceCookie names the cookie by which a device is known again that has signed in
// before. It opens nothing: the device's failures to sign in are counted apart from
// those of strangers.
func (s *Server) deviceCookie() string {
	if s.overTLS() {
		return "__Host-atelier_device" // the browser takes it from this host alone, and over TLS
	}
	return "atelier_device"
}

func (s *Server) overTLS() bool { return strings.HasPrefix(s.config.PublicURL, "https://") }

// rememberDevice gives the device its cookie.
func (s *Server) rememberDevice(f *fiber.Ctx, token string) {
	if token == "" {
		return
	}
	f.Cookie(&fiber.Cookie{
		Name: s.deviceCookie(), Value: token, Path: "/", MaxAge: deviceSeconds, Secure: s.overTLS(), HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
	})
}
