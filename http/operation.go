package http

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"atelier/identity"
	"atelier/messages"
)

// permission is what an operation asks of its caller. The edge itself tells
// only public from signed-in and, for what belongs to no entity, administrators
// of the installation; rights on projects are decided by the project and have its
// names.
type permission string

const (
	public          permission = "public"
	signedIn        permission = "signed-in"
	projectRead     permission = "project:read"
	projectEdit     permission = "project:edit_project"
	projectSettings permission = "project:manage_settings"
	projectMembers  permission = "project:manage_members"
	projectArchive  permission = "project:archive"
	projectDelete   permission = "project:delete"
	projectTransfer permission = "project:transfer"
	projectContent  permission = "project:edit_content"
	administer      permission = "installation:administer"
	readUsers       permission = "installation:read_users"
	helpUsers       permission = "installation:help_users"
	readAudit       permission = "installation:read_audit"
	onSocket        permission = "socket" // who comes says so when the socket is open, and rights are decided by what he then asks for
)

// known reports whether the permission is one that somebody decides.
func (p permission) known() bool {
	switch p {
	case public, signedIn, projectRead, projectEdit, projectSettings, projectMembers, projectArchive, projectDelete, projectTransfer, projectContent, administer, readUsers, helpUsers, readAudit, onSocket:
		return true
	}
	return false
}

// Roles of the installation.
const (
	roleAdmin   = "admin"   // administers it
	roleAuditor = "auditor" // looks at users and the audit
	roleSupport = "support" // looks after users
)

// roles are those of the installation one of which the caller needs; nil: none.
func (p permission) roles() []string {
	switch p {
	case administer:
		return []string{roleAdmin}
	case readUsers:
		return []string{roleAdmin, roleAuditor, roleSupport}
	case helpUsers:
		return []string{roleAdmin, roleSupport}
	case readAudit:
		return []string{roleAdmin, roleAuditor}
	default:
		return nil
	}
}

// anonymous reports whether callers without a token get through: to the entity,
// which lets them read what is public.
func (p permission) anonymous() bool { return p == public || p == projectRead || p == onSocket }

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
	Creates    bool     // a resource that has no version yet
	List       bool     // takes limit and cursor
	Secret     bool     // request or reply hold secrets: no Idempotency-Key
	Repeatable bool     // has the same effect however often it is asked for: neither
	Produces   string   // media type of the reply; empty: JSON
	Streams    bool     // and to who asks for it, text/event-stream

	retirement

	credentials func(*fiber.Ctx) socketCredentials // of sockets; nil: headers, cookies and tickets for the event channel

	page  bool // beside the versioned API
	asset bool // of the reference, and no JSON
}

// keyed operations take an Idempotency-Key.
func (o *operation) keyed() bool {
	return o.Method == "POST" && !o.Secret && !o.Repeatable && o.Permission != public && !strings.HasPrefix(o.Path, "/auth/")
}

// reads reports whether the operation changes nothing.
func (o *operation) reads() bool { return o.Method == "GET" }

// conditional operations honour If-Match.
func (o *operation) conditional() bool { return o.ETag && !o.reads() && !o.Creates }

// call is one request on its way through a handler.
type call struct {
	fiber     *fiber.Ctx
	op        *operation
	principal *identity.Principal // nil for anonymous callers
	byCookie  bool                // and not by a header
	expected  *int64              // If-Match
	command   string              // command id; empty for reads
	digest    []byte              // fingerprint, with a client's key
	trace     string
	ip        string // of the client

	party   *party // who opens a socket; nil: he has not said
	refused error  // why he is turned away
}

// meta is the Meta of a command made for this request.
func (c *call) meta() *messages.Meta {
	m := &messages.Meta{
		CommandId: c.command, Fingerprint: c.digest, ExpectedVersion: c.expected, RequestId: requestID(c.fiber), Trace: c.trace, Ip: c.ip,
	}
	if c.principal != nil {
		m.Principal, m.SessionId, m.Roles = c.principal.UserID, c.principal.SessionID, c.principal.Roles
	}
	return m
}

// has reports whether the caller has one of the roles of the installation.
func (c *call) has(roles ...string) bool {
	return c.principal != nil && slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(c.principal.Roles, role) })
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
	Version  int64  // for the ETag; 0: none, but for reads of what has versions
	Location string // of what was created
	Position int64  // of the event log, for projects; 0: none
}

func ok[O any](body *O) (*result[O], error) { return &result[O]{Body: body}, nil }

// appender is a body that renders itself, for the hottest resources.
type appender interface{ appendJSON(b []byte) []byte }

// fileBody is a reply that is no JSON.
type fileBody struct {
	name    string // of letters, digits and points
	content []byte
}

// none is the body of replies that have none.
type none struct{}

// add puts an operation into the routes and into the document.
func add[I, O any](s *Server, op operation, h func(context.Context, *call, *I) (*result[O], error)) {
	if !op.Permission.known() {
		panic("http: operation " + op.ID + " declares no permission that anybody decides")
	}
	in := planFor[I](s, op.Method)
	s.describe(base+op.Path, &op, in, reflect.TypeFor[O]())
	s.routes = append(s.routes, op)
	s.route(op.Method, base+op.Path, func(f *fiber.Ctx) (err error) {
		op.announce(f)
		ctx, cancel, invalid := deadline(f)
		defer cancel()
		c := &call{fiber: f, op: &op}
		defer func() { s.note(ctx, c, err) }()
		if err := s.admit(ctx, c); err != nil {
			return err
		}
		if invalid != nil {
			return invalid
		}
		var input I
		if err := in.bind(f, reflect.ValueOf(&input).Elem()); err != nil {
			return s.unopened(c, err)
		}
		var outcome *messages.Outcome
		if c.digest != nil {
			ctx, outcome = messages.WithOutcome(ctx)
		}
		r, err := h(s.seenFrom(ctx, c), c, &input)
		s.tellPosition(ctx, c, err)
		if err != nil || f.Context().Hijacked() {
			return err
		}
		if outcome != nil && outcome.Replayed {
			f.Set("Idempotency-Replayed", "true")
		}
		return render(s, c, r)
	})
}

// route registers a handler; what answers GET answers HEAD.
func (s *Server) route(method, path string, h fiber.Handler) {
	pattern := strings.NewReplacer("{", ":", "}", "").Replace(path)
	methods := []string{method}
	if method == "GET" {
		methods = append(methods, "HEAD")
	}
	for _, m := range methods {
		s.app.Add(m, pattern, h)
		s.meter(m, pattern, path)
	}
	s.patterns[pattern] = path
	s.methods[pattern] = append(s.methods[pattern], methods...)
	s.meter("OPTIONS", pattern, path)
}

// options lets every path say what it takes.
func (s *Server) options() {
	for pattern, methods := range s.methods {
		allow := strings.Join(append(methods, "OPTIONS"), ", ")
		s.app.Options(pattern, func(f *fiber.Ctx) error {
			f.Set(fiber.HeaderAllow, allow)
			s.preflight(f, allow)
			f.Status(fiber.StatusNoContent)
			return nil
		})
	}
}

func (r *result[O]) tag() string { return `"` + strconv.FormatInt(r.Version, 10) + `"` }

// current reports whether the caller has this version already.
func (r *result[O]) current(c *call) bool {
	return c.op.reads() && matches(c.fiber.Get(fiber.HeaderIfNoneMatch), r.tag())
}

// render writes a handler's answer.
func render[O any](s *Server, c *call, r *result[O]) error {
	f := c.fiber
	if r.Position > 0 {
		f.Set("Atelier-Position", s.config.LogID+":"+strconv.FormatInt(r.Position, 10))
	}
	if r.Version > 0 || c.op.ETag && c.op.reads() {
		f.Set(fiber.HeaderETag, r.tag())
		if r.current(c) {
			f.Status(fiber.StatusNotModified)
			return nil
		}
	}
	if r.Location != "" {
		f.Set(fiber.HeaderLocation, base+r.Location)
	}
	f.Status(c.op.Status)
	if r.Body == nil {
		return nil
	}
	if file, is := any(r.Body).(*fileBody); is {
		f.Set(fiber.HeaderContentType, c.op.Produces)
		f.Set(fiber.HeaderContentDisposition, `attachment; filename="`+file.name+`"`)
		f.Response().SetBodyRaw(file.content)
		return nil
	}
	f.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	if hot, isHot := any(r.Body).(appender); isHot {
		f.Response().SetBodyRaw(hot.appendJSON(make([]byte, 0, 768)))
	} else {
		body, err := json.Marshal(r.Body)
		if err != nil {
			return fmt.Errorf("http: render %s: %w", c.op.ID, err)
		}
		f.Response().SetBodyRaw(body)
	}
	if c.op.compressible() {
		compress(f)
	}
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
