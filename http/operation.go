package http

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"atelier/identity"
	"atelier/messages"
)

// permission is what an operation asks of its caller. The edge itself tells
// only public from signed-in; rights on projects are decided by the project.
type permission string

const (
	public   permission = "public"
	signedIn permission = "signed-in"
)

// anonymous reports whether callers without a token get through to the entity,
// which lets them read what is public.
func (p permission) anonymous() bool { return p == public || p == "project:read" }

const base = "/api/v1"

// operation is a line of the route table.
type operation struct {
	ID         string
	Method     string
	Path       string // below the base path, parameters in braces
	Summary    string
	Permission permission
	Status     int      // of success
	Codes      []string // problems of its own, beside those that any operation may answer
	ETag       bool     // the resource carries a version: ETag, If-Match, If-None-Match
	List       bool     // takes limit and cursor
	Secret     bool     // request or reply hold secrets: no Idempotency-Key
}

// keyed operations take an Idempotency-Key.
func (o *operation) keyed() bool {
	return o.Method == "POST" && !o.Secret && !strings.HasPrefix(o.Path, "/auth/")
}

// call is one request on its way through a handler.
type call struct {
	fiber     *fiber.Ctx
	op        *operation
	principal *identity.Principal // nil for anonymous callers
	expected  *int64              // If-Match
	command   string              // command id
	digest    []byte              // fingerprint, with a client's key
	trace     string
}

// meta is the Meta of a command made for this request.
func (c *call) meta() *messages.Meta {
	m := &messages.Meta{
		CommandId: c.command, Fingerprint: c.digest, ExpectedVersion: c.expected, RequestId: requestID(c.fiber), Trace: c.trace,
	}
	if c.principal != nil {
		m.Principal, m.SessionId, m.Roles = c.principal.UserID, c.principal.SessionID, c.principal.Roles
	}
	return m
}

func (c *call) userID() string {
	if c.principal == nil {
		return ""
	}
	return c.principal.UserID
}

// result is a handler's answer.
type result[O any] struct {
	Body     *O
	Version  int64  // for the ETag; 0: none
	Location string // of what was created
	Position int64  // of the event log, for projects; 0: none
}

func ok[O any](body *O) (*result[O], error) { return &result[O]{Body: body}, nil }

// appender is a body that renders itself, for the hottest resources.
type appender interface{ appendJSON(b []byte) []byte }

// none is the body of replies that have none.
type none struct{}

// add puts an operation into the routes and into the document.
func add[I, O any](s *Server, op operation, h func(context.Context, *call, *I) (*result[O], error)) {
	if op.Permission == "" {
		panic("http: operation " + op.ID + " declares no permission")
	}
	in := planFor[I](s)
	s.describe(&op, in, reflect.TypeFor[O]())
	s.routes = append(s.routes, op)
	s.app.Add(op.Method, base+fiberPath(op.Path), func(f *fiber.Ctx) error {
		ctx, cancel, err := s.deadline(f)
		if err != nil {
			return err
		}
		defer cancel()
		c := &call{fiber: f, op: &op}
		if err := s.admit(ctx, c); err != nil {
			return err
		}
		var input I
		if err := in.bind(f, reflect.ValueOf(&input).Elem()); err != nil {
			return err
		}
		ctx, outcome := messages.WithOutcome(ctx)
		r, err := h(ctx, c, &input)
		if err != nil {
			return err
		}
		if outcome.Replayed && len(c.digest) > 0 {
			f.Set("Idempotency-Replayed", "true")
		}
		return render(s, c, r)
	})
}

func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

const (
	defaultWait = 10 * time.Second
	maxWait     = 60 * time.Second
)

// deadline gives the request its time: ten seconds, or Atelier-Timeout.
func (s *Server) deadline(f *fiber.Ctx) (context.Context, context.CancelFunc, error) {
	wait := defaultWait
	if asked := f.Get("Atelier-Timeout"); asked != "" {
		ms, err := strconv.Atoi(asked)
		if err != nil || ms < 1 || ms > int(maxWait.Milliseconds()) {
			return nil, nil, messages.Invalid("Atelier-Timeout", "out_of_range", "Atelier-Timeout must be 1 to %d milliseconds", maxWait.Milliseconds())
		}
		wait = time.Duration(ms) * time.Millisecond
	}
	// The server's own context ends with a shutdown, which must let requests finish.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.Context()), wait)
	return ctx, cancel, nil
}

// admit finds out who asks, and reads the headers that go into Meta.
func (s *Server) admit(ctx context.Context, c *call) error {
	if err := acceptable(c.fiber); err != nil {
		return err
	}
	if err := s.authenticate(ctx, c); err != nil {
		return err
	}
	if c.op.Method == "GET" {
		return nil
	}
	if err := c.condition(); err != nil {
		return err
	}
	c.trace = traceparent(c.fiber)
	return c.identify()
}

func (s *Server) authenticate(ctx context.Context, c *call) error {
	if c.op.Permission == public {
		return nil // clients send along what they have, such as an expired token with a refresh
	}
	header := c.fiber.Get(fiber.HeaderAuthorization)
	if header == "" {
		if c.op.Permission.anonymous() {
			return nil
		}
		return messages.Refuse(messages.CodeUnauthenticated, "this needs an access token: Authorization: Bearer …")
	}
	token, bearer := strings.CutPrefix(header, "Bearer ")
	if !bearer {
		return messages.Refuse(messages.CodeInvalidToken, "the Authorization header must be: Bearer <access token>")
	}
	var err error
	c.principal, err = s.deps.Flows.Authenticate(ctx, token)
	return err
}

// condition reads If-Match: a single strong tag, or *.
func (c *call) condition() error {
	tag := c.fiber.Get(fiber.HeaderIfMatch)
	if tag == "" || tag == "*" || !c.op.ETag {
		return nil
	}
	version, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`), 10, 64)
	if err != nil || len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return messages.Refuse(messages.CodeVersionMismatch, "If-Match must be the ETag of the resource, such as %q, or *", `"3"`)
	}
	c.expected = &version
	return nil
}

// identify gives the command its id: the client's key with the fingerprint of
// the request, or one of our own.
func (c *call) identify() error {
	key := c.fiber.Get("Idempotency-Key")
	if key == "" || !c.op.keyed() || c.principal == nil {
		c.command = "m:" + uuid.Must(uuid.NewV7()).String()
		return nil
	}
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		return messages.Invalid("Idempotency-Key", "format", "Idempotency-Key must be 1 to 255 visible ASCII characters")
	}
	c.command, c.digest = "k:"+key, fingerprint(c.fiber)
	return nil
}

// render writes a handler's answer.
func render[O any](s *Server, c *call, r *result[O]) error {
	f := c.fiber
	if r.Version > 0 {
		tag := `"` + strconv.FormatInt(r.Version, 10) + `"`
		f.Set(fiber.HeaderETag, tag)
		if c.op.Method == "GET" && matches(f.Get(fiber.HeaderIfNoneMatch), tag) {
			f.Status(fiber.StatusNotModified)
			return nil
		}
	}
	if r.Position > 0 {
		f.Set("Atelier-Position", s.config.LogID+":"+strconv.FormatInt(r.Position, 10))
	}
	if r.Location != "" {
		f.Set(fiber.HeaderLocation, base+r.Location)
	}
	f.Status(c.op.Status)
	if r.Body == nil {
		return nil
	}
	f.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	if hot, isHot := any(r.Body).(appender); isHot {
		response := f.Response()
		response.SetBodyRaw(hot.appendJSON(make([]byte, 0, 768)))
		return nil
	}
	body, err := json.Marshal(r.Body)
	if err != nil {
		return fmt.Errorf("http: render %s: %w", c.op.ID, err)
	}
	f.Response().SetBodyRaw(body)
	return nil
}

// matches is If-None-Match: weak comparison over a list (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	if header == "" {
		return false
	}
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}
