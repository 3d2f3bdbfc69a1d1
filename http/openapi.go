package http

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

func newDocument(c Config) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Atelier", Version: "1", License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
			Description: "The backend for collaborative applications: accounts, sessions, projects, permissions and events.\n\n" +
				"Version 1 only grows: clients ignore reply fields that they do not know. The server refuses request fields and parameters " +
				"that it does not know. Problems are RFC 9457 documents; GET /problems lists them. Where GET is taken, so is HEAD.",
		},
		Servers: []*huma.Server{{URL: c.PublicURL}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access token of a sign-in."},
				"cookie": {Type: "apiKey", In: "cookie", Name: accessCookie, Description: "The same in a cookie of a sign-in that asked for cookies; its name begins with __Host- where the service has TLS. Writes then need the header X-CSRF-Token."},
			},
		},
		Paths: map[string]*huma.PathItem{},
	}
}

func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.TrimSuffix(name, "Body")
}

// commonCodes are the problems that an operation may answer beside its own.
func (o *operation) commonCodes(hasBody bool) []string {
	codes := []string{messages.CodeInternal}
	if o.page && health(o.Path) {
		return codes
	}
	codes = append(codes, messages.CodeRateLimited)
	if o.page {
		return codes
	}
	codes = append(codes, messages.CodeValidationFailed, messages.CodeNotAcceptable, messages.CodePayloadTooLarge,
		messages.CodeUnavailable, messages.CodeOverloaded, messages.CodeTimeout)
	if o.Permission != public {
		codes = append(codes, messages.CodeInvalidToken, messages.CodeTokenExpired, messages.CodeSessionRevoked,
			messages.CodeUserSuspended, messages.CodeUserInactive, messages.CodeEmailUnverified)
	}
	if !o.Permission.anonymous() {
		codes = append(codes, messages.CodeUnauthenticated)
	}
	if o.Permission.roles() != nil {
		codes = append(codes, messages.CodeForbidden)
	}
	if hasBody || !o.reads() {
		codes = append(codes, messages.CodeMalformedJSON, messages.CodeUnsupportedMediaType)
	}
	if o.List {
		codes = append(codes, messages.CodeInvalidCursor)
	}
	if !o.reads() {
		codes = append(codes, messages.CodeVersionMismatch)
		if o.Permission != public {
			codes = append(codes, messages.CodeCSRFFailed)
		}
	}
	if o.keyed() {
		codes = append(codes, messages.CodeIdempotencyKeyReused)
	}
	return codes
}

// describe puts an operation into the document and completes its codes.
func (s *Server) describe(path string, op *operation, in *plan, out reflect.Type) *huma.Operation {
	op.Codes = append(slices.Clone(op.Codes), op.commonCodes(in.body != nil)...)
	slices.Sort(op.Codes)
	op.Codes = slices.Compact(op.Codes)
	o := &huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: path, Summary: op.Summary, Tags: []string{tag(op)},
		Description: "Permission: " + string(op.Permission) + ".", Responses: map[string]*huma.Response{},
		Deprecated: !op.Deprecated.IsZero(),
		Extensions: map[string]any{"x-permission": string(op.Permission), "x-problems": op.Codes},
	}
	if op.Permission != public {
		o.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
		if op.Permission.anonymous() {
			o.Security = append(o.Security, map[string][]string{})
		}
	}
	for i := range in.params {
		q := &in.params[i]
		o.Parameters = append(o.Parameters, &huma.Param{
			Name: q.name, In: q.in, Required: q.in == "path", Schema: q.schema, Description: q.field.Tag.Get("doc"),
		})
	}
	if !op.page {
		describeHeaders(op, o)
	}
	if in.body != nil {
		o.RequestBody = &huma.RequestBody{Required: !in.optional, Content: map[string]*huma.MediaType{"application/json": {Schema: in.schema}}}
		if op.Method == "PATCH" {
			o.RequestBody.Content["application/merge-patch+json"] = &huma.MediaType{Schema: in.schema}
		}
	}
	if in.raw != nil {
		o.RequestBody = &huma.RequestBody{Required: true, Description: in.rawDoc, Content: map[string]*huma.MediaType{
			octets: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}
	}
	s.describeSuccess(op, o, out)
	s.describeProblems(path, op, o)
	item := s.document.Paths[path]
	if item == nil {
		item = &huma.PathItem{}
		s.document.Paths[path] = item
	}
	switch op.Method {
	case "GET":
		item.Get = o
	case "POST":
		item.Post = o
	case "PUT":
		item.Put = o
	case "PATCH":
		item.Patch = o
	case "DELETE":
		item.Delete = o
	}
	return o
}

func tag(op *operation) string {
	if op.page {
		return "service"
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(op.Path, "/"), "/")
	return first
}

func describeHeaders(op *operation, o *huma.Operation) {
	header := func(name, doc string, schema *huma.Schema) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "header", Description: doc, Schema: schema})
	}
	text := &huma.Schema{Type: huma.TypeString}
	least, most := 1.0, float64(maxWait.Milliseconds())
	header("Atelier-Timeout", "Milliseconds the request may take; 10000 by default.", &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most})
	header(headerRequestID, "The caller's name for the request: at most 128 letters, digits and signs of -_. ; any other is replaced.", text)
	header(headerTrace, "The trace that the request belongs to (W3C Trace Context).", text)
	if op.reads() {
		header(headerConsistency, "Value of the caller's last write, none where its reply had none: a replica that has that write may answer. Without it the primary does.", text)
	}
	switch {
	case op.ETag && op.reads():
		header(fiber.HeaderIfNoneMatch, "ETags that the caller has: 304 where one is current.", text)
	case op.conditional():
		header(fiber.HeaderIfMatch, "ETag that the change rests on: 412 where it is not current.", text)
	}
	if op.keyed() {
		header("Idempotency-Key", "The request has one effect, and its answer is repeated for 24 hours.", &huma.Schema{Type: huma.TypeString, Pattern: "^[!-~]{1,255}$"})
	}
}

func (s *Server) describeSuccess(op *operation, o *huma.Operation, out reflect.Type) {
	success := &huma.Response{Description: op.Summary, Headers: maps.Clone(s.everyReply)}
	header := func(name, doc string) {
		success.Headers[name] = &huma.Param{Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	switch {
	case op.Produces != "":
		success.Content = map[string]*huma.MediaType{op.Produces: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	case out != reflect.TypeFor[none]():
		success.Content = map[string]*huma.MediaType{"application/json": {Schema: s.document.Components.Schemas.Schema(out, true, op.ID)}}
	}
	if op.ETag && op.Method != "DELETE" {
		header(fiber.HeaderETag, "The resource's version.")
	}
	if op.Status == fiber.StatusCreated && op.ETag {
		header(fiber.HeaderLocation, "Path of what was created.")
	}
	if out == reflect.TypeFor[projectBody]() {
		header("Atelier-Position", "Position in the project's event log: <log>:<seq>.")
	}
	if !op.reads() {
		header(headerConsistency, "Where the installation has replicas: what to send with reads that must see this.")
	}
	if op.keyed() {
		header("Idempotency-Replayed", "true where the answer is that of an earlier request with the same key.")
	}
	o.Responses[strconv.Itoa(op.Status)] = success
	if op.ETag && op.reads() {
		o.Responses["304"] = &huma.Response{Description: "Not modified", Headers: maps.Clone(s.everyReply)}
	}
}

// headersOfReplies are those of every reply.
func headersOfReplies() map[string]*huma.Param {
	return map[string]*huma.Param{
		headerPolicy:    {Description: "The caller's limits, where there are any (draft-ietf-httpapi-ratelimit-headers): q requests in w seconds.", Schema: &huma.Schema{Type: huma.TypeString}},
		headerLimit:     {Description: "What is left of them: r requests, and more in t seconds.", Schema: &huma.Schema{Type: huma.TypeString}},
		headerRequestID: {Description: "Name of the request in logs.", Schema: &huma.Schema{Type: huma.TypeString}},
		headerTrace:     {Description: "The caller's trace, with the span of this request; where the caller sent one.", Schema: &huma.Schema{Type: huma.TypeString}},
	}
}

func (s *Server) describeProblems(path string, op *operation, o *huma.Operation) {
	schema := s.document.Components.Schemas.Schema(reflect.TypeFor[problemBody](), true, "Problem")
	for _, code := range op.Codes {
		p, known := s.problems[code]
		if !known {
			panic("http: operation " + op.ID + " declares the unknown problem " + code)
		}
		status := strconv.Itoa(p.Status)
		response := o.Responses[status]
		if response == nil {
			response = &huma.Response{
				Headers: maps.Clone(s.everyReply),
				Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema, Examples: map[string]*huma.Example{}}},
			}
			if p.Status == fiber.StatusServiceUnavailable || p.Status == fiber.StatusTooManyRequests {
				response.Headers[fiber.HeaderRetryAfter] = &huma.Param{Description: "Seconds.", Schema: &huma.Schema{Type: huma.TypeInteger}}
			}
			o.Responses[status] = response
		}
		response.Description = strings.TrimPrefix(response.Description+", "+code, ", ")
		response.Content["application/problem+json"].Examples[code] = &huma.Example{
			Summary: p.Title,
			Value:   problemBody{Type: "/problems/" + code, Title: p.Title, Status: p.Status, Detail: p.Title + ".", Instance: path, Code: code, RequestID: "0190a000-0000-7000-8000-000000000000"},
		}
	}
}

// render makes the document's text. Every object says what it requires.
func (s *Server) render() []byte {
	b, err := json.Marshal(s.document)
	if err != nil {
		panic(fmt.Sprintf("http: the OpenAPI document does not render: %v", err))
	}
	var whole map[string]any
	if err := json.Unmarshal(b, &whole); err != nil {
		panic(fmt.Sprintf("http: the OpenAPI document does not parse: %v", err))
	}
	for _, schema := range whole["components"].(map[string]any)["schemas"].(map[string]any) {
		complete(schema)
	}
	b, _ = json.Marshal(whole)
	return b
}

// complete writes out an empty list of required properties, which huma leaves
// away.
func complete(schema any) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if items, has := object["items"]; has {
		complete(items)
	}
	properties, ok := object["properties"].(map[string]any)
	if !ok {
		return
	}
	if _, has := object["required"]; !has {
		object["required"] = []string{}
	}
	for _, property := range properties {
		complete(property)
	}
}
