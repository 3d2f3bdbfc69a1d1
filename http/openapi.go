package http

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"atelier/messages"
)

func newDocument(c Config) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Atelier", Version: "1", License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
			Description: "The backend for collaborative applications: accounts, sessions, projects, permissions and events.",
		},
		Servers: []*huma.Server{{URL: c.PublicURL}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access token of a sign-in."},
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
	codes := []string{messages.CodeValidationFailed, messages.CodeNotAcceptable, messages.CodeInternal, messages.CodeUnavailable, messages.CodeOverloaded, messages.CodeTimeout,
		messages.CodeInvalidToken, messages.CodeTokenExpired, messages.CodeSessionRevoked, messages.CodeUserSuspended, messages.CodeUserInactive, messages.CodeEmailUnverified}
	if !o.Permission.anonymous() {
		codes = append(codes, messages.CodeUnauthenticated)
	}
	if hasBody {
		codes = append(codes, messages.CodeMalformedJSON, messages.CodePayloadTooLarge, messages.CodeUnsupportedMediaType)
	}
	if o.List {
		codes = append(codes, messages.CodeInvalidCursor)
	}
	if o.ETag && o.Method != "GET" {
		codes = append(codes, messages.CodeVersionMismatch)
	}
	if o.keyed() {
		codes = append(codes, messages.CodeIdempotencyKeyReused)
	}
	return codes
}

// describe puts an operation into the document and completes its codes.
func (s *Server) describe(op *operation, in *plan, out reflect.Type) {
	r := s.document.Components.Schemas
	op.Codes = append(slices.Clone(op.Codes), op.commonCodes(in.body != nil)...)
	slices.Sort(op.Codes)
	op.Codes = slices.Compact(op.Codes)
	o := &huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: base + op.Path, Summary: op.Summary, Tags: []string{tag(op.Path)},
		Description: "Permission: " + string(op.Permission) + ".", Responses: map[string]*huma.Response{},
		Extensions: map[string]any{"x-permission": string(op.Permission), "x-problems": op.Codes},
	}
	if op.Permission != public {
		o.Security = []map[string][]string{{"bearer": {}}}
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
	s.describeHeaders(op, o)
	if in.body != nil {
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: in.schema}}}
	}
	success := &huma.Response{Description: op.Summary}
	if out != reflect.TypeFor[none]() {
		success.Content = map[string]*huma.MediaType{"application/json": {Schema: r.Schema(out, true, op.ID)}}
	}
	o.Responses[strconv.Itoa(op.Status)] = success
	if op.ETag && op.Method == "GET" {
		o.Responses["304"] = &huma.Response{Description: "Not modified"}
	}
	s.describeProblems(op, o)
	item := s.document.Paths[base+op.Path]
	if item == nil {
		item = &huma.PathItem{}
		s.document.Paths[base+op.Path] = item
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
}

func tag(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

func (s *Server) describeHeaders(op *operation, o *huma.Operation) {
	header := func(name, doc string) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "header", Description: doc, Schema: &huma.Schema{Type: "string"}})
	}
	header("Atelier-Timeout", "Milliseconds the request may take, at most 60000; 10000 by default.")
	switch {
	case op.ETag && op.Method == "GET":
		header("If-None-Match", "ETags that the caller has: 304 where one is current.")
	case op.ETag && op.Method != "POST":
		header("If-Match", "ETag that the change rests on: 412 where it is not current.")
	}
	if op.keyed() {
		header("Idempotency-Key", "1 to 255 visible ASCII characters: the request has one effect, and its answer is repeated for 24 hours.")
	}
}

func (s *Server) describeProblems(op *operation, o *huma.Operation) {
	schema := s.document.Components.Schemas.Schema(reflect.TypeFor[problemBody](), true, "Problem")
	for _, code := range op.Codes {
		p, known := s.problems[code]
		if !known {
			panic("http: operation " + op.ID + " declares the unknown problem " + code)
		}
		status := strconv.Itoa(p.Status)
		response := o.Responses[status]
		if response == nil {
			response = &huma.Response{Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema, Examples: map[string]*huma.Example{}}}}
			o.Responses[status] = response
		}
		response.Description = strings.TrimPrefix(response.Description+", "+code, ", ")
		response.Content["application/problem+json"].Examples[code] = &huma.Example{
			Summary: p.Title,
			Value:   problemBody{Type: "/problems/" + code, Title: p.Title, Status: p.Status, Detail: p.Title + ".", Instance: base + op.Path, Code: code, RequestID: "0190a000-0000-7000-8000-000000000000"},
		}
	}
}

// finish renders the document. Every object says what it requires.
func (s *Server) finish() {
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
	s.rendered, _ = json.Marshal(whole)
}

// complete writes out an empty list of required properties, which huma leaves
// away.
func complete(schema any) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
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
