package http

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"atelier/identity"
	"atelier/messages"
)

// Browsers keep their tokens in cookies that scripts cannot read, and show with each
// write that it is their own page which asks: another one's can send the cookies, but
// not the header.
const (
	accessCookie  = "atelier_access"
	refreshCookie = "atelier_refresh"
	headerCSRF    = "X-CSRF-Token"
)

func (s *Server) overTLS() bool { return strings.HasPrefix(s.config.PublicURL, "https://") }

// cookieName has the prefix that binds a cookie to this host and to TLS, where there
// is TLS (RFC 6265bis, 4.1.3.2).
func (s *Server) cookieName(name string) string {
	if s.overTLS() {
		return "__Host-" + name
	}
	return name
}

func (s *Server) cookie(c *fiber.Ctx, name string) string { return c.Cookies(s.cookieName(name)) }

// giveCookies sets both tokens. They go when what they hold has expired.
func (s *Server) giveCookies(c *fiber.Ctx, t *identity.Tokens) {
	s.giveCookie(c, accessCookie, t.AccessToken, t.ExpiresIn)
	s.giveCookie(c, refreshCookie, t.RefreshToken, s.config.SessionLifetime)
}

// takeCookies removes them.
func (s *Server) takeCookies(c *fiber.Ctx) {
	s.giveCookie(c, accessCookie, "", 0)
	s.giveCookie(c, refreshCookie, "", 0)
}

func (s *Server) giveCookie(c *fiber.Ctx, name, value string, life time.Duration) {
	cookie := &fasthttp.Cookie{}
	cookie.SetKey(s.cookieName(name))
	cookie.SetValue(value)
	cookie.SetPath("/")
	cookie.SetHTTPOnly(true)
	cookie.SetSecure(s.overTLS())
	cookie.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	if life > 0 {
		cookie.SetMaxAge(int(life.Seconds()))
	} else {
		cookie.SetExpire(fasthttp.CookieExpireDelete)
	}
	c.Response().Header.Add(fiber.HeaderSetCookie, cookie.String())
}

// csrfToken is the session's, for the header of its writes.
func (s *Server) csrfToken(sessionID string) string {
	mac := hmac.New(sha256.New, s.config.CSRFKey)
	mac.Write([]byte("csrf|" + sessionID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkCSRF refuses a write that a cookie speaks for, unless its page knows the
// session's token.
func (s *Server) checkCSRF(c *call) error {
	if !c.byCookie || c.op.reads() || hmac.Equal([]byte(c.fiber.Get(headerCSRF)), []byte(s.csrfToken(c.principal.SessionID))) {
		return nil
	}
	return messages.Refuse(messages.CodeCSRFFailed, "with cookies a write needs %s: csrf_token of GET %s/auth/session", headerCSRF, base)
}

// sameOrigin refuses a refresh by cookie that another site's page asks for. A page that
// was just opened knows no token of its session yet.
func (s *Server) sameOrigin(c *fiber.Ctx) error {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || s.ours(c, origin) {
		return nil
	}
	return messages.Refuse(messages.CodeCSRFFailed, "with cookies a session is refreshed by pages of %s alone", originOf(s.config.PublicURL))
}

// ours reports whether pages of an origin are the service's own. A machine has several
// names for itself, and people use whichever they like.
func (s *Server) ours(c *fiber.Ctx, origin string) bool {
	public := originOf(s.config.PublicURL)
	if strings.EqualFold(origin, public) {
		return true
	}
	scheme, _, _ := strings.Cut(public, "://")
	return loopback(public) && loopback(origin) && strings.EqualFold(origin, scheme+"://"+c.Get(fiber.HeaderHost))
}

// loopback reports whether an origin is the machine itself.
func loopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// originOf is a URL without its path.
func originOf(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}
