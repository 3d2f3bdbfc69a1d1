package http

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"atelier/messages"
)

const (
	defaultWait = 10 * time.Second
	maxWait     = 60 * time.Second
)

// deadline gives the request its time: ten seconds, or Atelier-Timeout. One that
// asks for another time than there is has ten seconds too, to be refused in.
func deadline(f *fiber.Ctx) (_ context.Context, _ context.CancelFunc, invalid error) {
	wait := defaultWait
	if asked := f.Request().Header.Peek("Atelier-Timeout"); asked != nil {
		ms, err := strconv.Atoi(string(asked))
		if err == nil && ms >= 1 && ms <= int(maxWait.Milliseconds()) {
			wait = time.Duration(ms) * time.Millisecond
		} else {
			invalid = messages.Invalid("Atelier-Timeout", "out_of_range", "Atelier-Timeout must be 1 to %d milliseconds", maxWait.Milliseconds())
		}
	}
	ctx := unbound()
	if span := spanOf(f); span != nil {
		ctx = span.Context(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	return ctx, cancel, invalid
}

// admit finds out who asks, and reads the headers that go into Meta.
func (s *Server) admit(ctx context.Context, c *call) error {
	unknown := s.authenticate(ctx, c)
	if err := s.charge(ctx, c.fiber, c.userID()); err != nil {
		return err
	}
	if unknown != nil {
		return unknown
	}
	if kind := cmp.Or(c.op.Produces, fiber.MIMEApplicationJSON); c.op.Status != fiber.StatusNoContent && !acceptable(accepts(c.fiber), kind) && !c.wantsStream() {
		return messages.Refuse(messages.CodeNotAcceptable, "the reply is %s", kind)
	}
	c.follow()
	if c.op.reads() {
		return nil
	}
	c.ip = s.address(c.fiber).String()
	if err := c.condition(); err != nil {
		return err
	}
	return c.identify()
}

// authenticate finds out whom the token speaks for. Where nobody needs one it is
// not looked at: a client whose token has expired can still refresh it.
func (s *Server) authenticate(ctx context.Context, c *call) error {
	switch c.op.Permission {
	case public:
		return nil
	case onSocket:
		s.meet(ctx, c)
		return nil
	default:
	}
	token, err := s.presented(c)
	if err != nil || token == "" {
		return err
	}
	if c.principal, err = s.deps.Flows.Authenticate(ctx, token); err != nil {
		return err
	}
	if err := s.checkCSRF(c); err != nil {
		return err
	}
	if roles := c.op.Permission.roles(); roles != nil && !c.has(roles...) {
		return messages.Refuse(messages.CodeForbidden, "this needs a role in the installation: %s", strings.Join(roles, ", "))
	}
	return nil
}

// presented is the access token of the request: of its header, else of its cookie;
// empty where none is needed.
func (s *Server) presented(c *call) (string, error) {
	header := c.fiber.Get(fiber.HeaderAuthorization)
	if header == "" {
		if token := s.cookie(c.fiber, accessCookie); token != "" {
			c.byCookie = true
			return token, nil
		}
		if c.op.Permission.anonymous() {
			return "", nil
		}
		return "", messages.Refuse(messages.CodeUnauthenticated, "this needs an access token: Authorization: Bearer …")
	}
	const scheme = "Bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", messages.Refuse(messages.CodeInvalidToken, "the Authorization header must be: Bearer <access token>")
	}
	return header[len(scheme):], nil
}

// condition reads If-Match: one strong tag, or * for whatever is there.
func (c *call) condition() error {
	tag := c.fiber.Get(fiber.HeaderIfMatch)
	if tag == "" || tag == "*" {
		return nil
	}
	if strings.Contains(tag, ",") || len(tag) < 2 || tag[len(tag)-1] != '"' || tag[0] != '"' && !strings.HasPrefix(tag, `W/"`) {
		return messages.Invalid(fiber.HeaderIfMatch, "format", "If-Match must be the ETag of the resource, such as %q, or *", `"3"`)
	}
	version, err := strconv.ParseInt(tag[1:len(tag)-1], 10, 64)
	if err != nil || !c.op.conditional() { // weak, or of something else
		return messages.Refuse(messages.CodeVersionMismatch, "the resource does not have the ETag %s", shown(tag))
	}
	c.expected = &version
	return nil
}

// identify gives the command its id: the client's key with the fingerprint of
// the request, or one of our own.
func (c *call) identify() error {
	keys := c.fiber.Request().Header.PeekAll("Idempotency-Key")
	if len(keys) == 0 || !c.op.keyed() {
		c.command = "m:" + uuid.Must(uuid.NewV7()).String()
		return nil
	}
	if len(keys) > 1 {
		return messages.Invalid("Idempotency-Key", "duplicate", "Idempotency-Key comes twice")
	}
	key := string(keys[0])
	if !visible(key) {
		return messages.Invalid("Idempotency-Key", "format", "Idempotency-Key must be 1 to 255 visible ASCII characters")
	}
	c.command, c.digest = "k:"+key, fingerprint(c.fiber)
	return nil
}

func visible(key string) bool {
	for i := range len(key) {
		if key[i] < '!' || key[i] > '~' {
			return false
		}
	}
	return len(key) >= 1 && len(key) <= 255
}

// fingerprint tells requests apart that use one key.
func fingerprint(c *fiber.Ctx) []byte {
	h := sha256.New()
	h.Write([]byte(c.Method() + " " + c.OriginalURL() + "\n"))
	h.Write(c.Request().Body())
	return h.Sum(nil)
}

// accepts is the Accept header; several are one list.
func accepts(f *fiber.Ctx) []byte {
	return bytes.Join(f.Request().Header.PeekAll(fiber.HeaderAccept), []byte(","))
}

// acceptable reports whether a caller takes the media type, application and
// something (RFC 9110, 12.5.1). Of the ranges that match, the most specific one
// counts.
func acceptable(accept []byte, media string) bool {
	if len(accept) == 0 || string(accept) == "*/*" || string(accept) == media {
		return true
	}
	best, taken := 0, false
	for part := range strings.SplitSeq(strings.ToLower(string(accept)), ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		specific := 0
		switch strings.TrimSpace(kind) {
		case media:
			specific = 3
		case "application/*":
			specific = 2
		case "*/*":
			specific = 1
		}
		if specific > best {
			best, taken = specific, !refused(parameters)
		}
	}
	return taken
}

// refused reports whether a media range has the weight 0.
func refused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if weight, err := strconv.ParseFloat(value, 64); name == "q" && err == nil && weight == 0 {
			return true
		}
	}
	return false
}
