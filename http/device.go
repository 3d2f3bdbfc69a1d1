package http

import (
	"time"

	"github.com/gofiber/fiber/v2"
)

// deviceCookie is that by which a device is known again that has signed in before. It
// opens nothing: the device's failures to sign in are counted apart from those of
// strangers.
const (
	deviceCookie = "atelier_device"
	deviceLife   = 365 * 24 * time.Hour
)

// rememberDevice gives the device its cookie.
func (s *Server) rememberDevice(f *fiber.Ctx, token string) {
	if token != "" {
		s.giveCookie(f, deviceCookie, token, deviceLife)
	}
}
