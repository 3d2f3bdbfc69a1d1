package http

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

// TestTheRouteTable walks all operations: each is documented, declares its
// permission, and the problems that it declares are known and documented.
func TestTheRouteTable(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	seen := map[string]bool{}
	for _, op := range s.routes {
		require.False(t, seen[op.ID], "the operation %s comes twice", op.ID)
		seen[op.ID] = true
		path := op.Path
		if !op.page {
			path = base + path
		}
		doc := find(s.document, path, op.Method)
		require.NotNil(t, doc, op.ID)
		require.NotEmpty(t, op.Permission, op.ID)
		require.Equal(t, string(op.Permission), doc.Extensions["x-permission"])
		require.NotEmpty(t, doc.Summary)
		require.Contains(t, doc.Responses, strconv.Itoa(op.Status), op.ID)
		for _, code := range op.Codes {
			p, known := s.problems[code]
			require.True(t, known, "%s declares %s", op.ID, code)
			require.Contains(t, doc.Responses[strconv.Itoa(p.Status)].Content["application/problem+json"].Examples, code)
		}
		require.Equal(t, op.Permission == public, len(doc.Security) == 0, "%s: who may call it", op.ID)
	}
}

func find(d *huma.OpenAPI, path, method string) *huma.Operation {
	item := d.Paths[path]
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[method]
}

// TestNoRouteIsBesideTheTable holds the router against the table.
func TestNoRouteIsBesideTheTable(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	for _, route := range s.app.GetRoutes(true) {
		method := map[string]string{"HEAD": "GET"}[route.Method]
		if method == "" {
			method = route.Method
		}
		declared := slices.ContainsFunc(s.routes, func(op operation) bool {
			path := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
			return (method == "OPTIONS" || op.Method == method) && (route.Path == base+path || op.page && route.Path == path)
		})
		require.True(t, declared, "%s %s", route.Method, route.Path)
	}
}

func TestAnOperationWithoutPermissionStopsTheStart(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	h := func(context.Context, *call, *none) (*result[none], error) { return &result[none]{}, nil }
	for _, p := range []permission{"", "project:raed"} {
		require.PanicsWithValue(t, "http: operation forgotten declares no permission that anybody decides", func() {
			add(s, operation{ID: "forgotten", Method: "GET", Path: "/forgotten", Permission: p, Status: 204}, h)
		})
	}
	require.Panics(t, func() {
		add(s, operation{ID: "odd", Method: "GET", Path: "/odd", Permission: signedIn, Status: 204, Codes: []string{"nobody_knows"}}, h)
	}, "a problem that is not in the table")
}

// TestAllCodesHaveAStatus reads the codes where they are declared: each but
// those that never reach a client has a status, and nothing else has.
func TestAllCodesHaveAStatus(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../messages/error.go", nil, 0)
	require.NoError(t, err)
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, is := n.(*ast.ValueSpec); is && strings.HasPrefix(spec.Names[0].Name, "Code") {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			codes = append(codes, code)
		}
		return true
	})
	inner := []string{messages.CodeMoved, messages.CodeOutcomeUnknown, messages.CodeTokenReused, messages.CodeLate}
	all := problems()
	require.Greater(t, len(codes), 30)
	for _, code := range codes {
		_, known := all[code]
		require.Equal(t, !slices.Contains(inner, code), known, code)
	}
	require.Len(t, all, len(codes)-len(inner))
	for status, want := range contract {
		for code := range strings.FieldsSeq(want) {
			require.Equal(t, status, all[code].Status, code)
			delete(all, code)
		}
	}
	require.Empty(t, all, "in no line of the contract")
}

// contract is the table of codes that clients were promised. It only grows.
var contract = map[int]string{
	400: "malformed_json validation_failed invalid_cursor",
	401: "unauthenticated invalid_credentials token_expired session_revoked invalid_token mfa_failed",
	403: "forbidden email_unverified user_suspended user_inactive csrf_failed step_up_required comments_disabled",
	404: "not_found",
	405: "method_not_allowed", 406: "not_acceptable", 413: "payload_too_large", 415: "unsupported_media_type",
	409: "email_taken already_collaborator collaborator_limit_reached invalid_state already_exists owns_projects",
	410: "link_expired",
	412: "version_mismatch",
	422: "idempotency_key_reused weak_password breached_password",
	429: "rate_limited too_many_attempts",
	500: "internal", 503: "unavailable overloaded", 504: "timeout",
}

// TestEverySchemaIsClosed: all objects say what they require and take nothing
// else, but for those whose fields are the user's own.
func TestEverySchemaIsClosed(t *testing.T) {
	t.Parallel()
	var document struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	require.NoError(t, json.Unmarshal(fakeServer().Document(), &document))
	require.Greater(t, len(document.Components.Schemas), 20)
	var closed func(at string, schema map[string]any)
	closed = func(at string, schema map[string]any) {
		if schema["type"] == "object" && schema["properties"] != nil {
			require.Contains(t, schema, "required", at)
			require.Equal(t, false, schema["additionalProperties"], at)
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			closed(at+"/"+name, property.(map[string]any))
		}
		if items, is := schema["items"].(map[string]any); is {
			closed(at+"/items", items)
		}
	}
	for name, schema := range document.Components.Schemas {
		require.Equal(t, "object", schema["type"], name)
		require.NotNil(t, schema["properties"], name)
		closed(name, schema)
	}
}

// TestBodiesCanBeAssigned: the fields of request bodies are of kinds that the
// binding knows.
func TestBodiesCanBeAssigned(t *testing.T) {
	t.Parallel()
	for _, input := range []any{
		&registerInput{}, &loginInput{}, &refreshInput{}, &updateMeInput{}, &updatePreferencesInput{}, &changePasswordInput{},
		&tokenInput{}, &addressInput{}, &resetPasswordInput{}, &checkPasswordInput{}, &reauthenticateInput{}, &changeEmailInput{},
		&createUserInput{}, &updateUserInput{}, &replaceUserInput{}, &suspendUserInput{}, &inviteInput{}, &offerInput{},
		&createProjectInput{}, &updateProjectInput{}, &replaceProjectInput{}, &addCollaboratorInput{}, &changeRoleInput{},
		&createDocumentInput{}, &renameDocumentInput{}, &createVersionInput{},
	} {
		body := reflect.ValueOf(input).Elem().FieldByName("Body")
		require.NotPanics(t, func() { assign(body, sample(body.Type())) }, "%T", input)
	}
}

// sample is a decoded value that fills all fields of a type.
func sample(t reflect.Type) any {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[settable]()) {
		return "x"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return sample(t.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			fields[name] = sample(t.Field(i).Type)
		}
		return fields
	case reflect.Slice:
		return []any{sample(t.Elem())}
	case reflect.String:
		return "x"
	case reflect.Bool:
		return true
	default:
		return 1.0
	}
}

func TestTheCommandLineIsNotShown(t *testing.T) {
	t.Parallel()
	handle := NewOps(func(context.Context) []string { return nil }, nil, nil, nil).Handler()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
		var request fasthttp.RequestCtx
		request.Request.Header.SetMethod(method)
		request.Request.SetRequestURI("/debug/pprof/cmdline")
		handle(&request)
		require.Equal(t, 404, request.Response.StatusCode(), method)
	}
}
