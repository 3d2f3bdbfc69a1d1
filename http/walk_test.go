package http

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

// What must hold for every route there is, those included that are added tomorrow.

// example is a path of the operation with ids in it.
func (o *operation) example() string {
	path := strings.NewReplacer("{project_id}", someProject, "{user_id}", someUser, "{session_id}", someSession, "{code}", "not_found", "{node}", "a").Replace(o.Path)
	if strings.Contains(path, "{") {
		for strings.Contains(path, "{") {
			from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
			path = path[:from] + someProject + path[to+1:]
		}
	}
	if o.page {
		return path
	}
	return base + path
}

// askEach sends every operation a request, as somebody and as nobody.
func askEach(t *testing.T, s *Server, check func(t *testing.T, op operation, r *fasthttp.Response), headers ...string) {
	t.Helper()
	require.Greater(t, len(s.routes), 30)
	for _, op := range s.routes {
		check(t, op, s.ask(op.Method, op.example(), "", headers...))
		check(t, op, s.ask(op.Method, op.example(), `{"x":1}`, append(headers, "Authorization", "")...))
	}
}

func TestEveryReplyIsSecured(t *testing.T) {
	t.Parallel()
	for public, hsts := range map[string]string{"http://atelier.test": "", "https://atelier.test": "max-age=31536000"} {
		s := fakeServer()
		config := s.config
		config.PublicURL = public
		s = New(config, s.deps)
		check := func(t *testing.T, op operation, r *fasthttp.Response) {
			policy := string(r.Header.Peek("Content-Security-Policy"))
			require.True(t, strings.HasPrefix(policy, "default-src 'none';") && strings.Contains(policy, "frame-ancestors 'none'"), "%s: %s", op.ID, policy)
			require.NotContains(t, policy, "http", "%s lets other hosts in", op.ID)
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Cross-Origin-Opener-Policy":   "same-origin", "Strict-Transport-Security": hsts, "Server": "", "X-Powered-By": "",
			} {
				require.Equal(t, want, string(r.Header.Peek(name)), "%s of %s", name, op.ID)
				require.LessOrEqual(t, len(r.Header.PeekAll(name)), 1)
			}
			require.NotEmpty(t, r.Header.Peek("X-Request-Id"), op.ID)
			require.NotEmpty(t, r.Header.Peek("Cache-Control"), op.ID)
		}
		askEach(t, s, check)
		check(t, operation{ID: "none"}, s.ask("GET", "/nothing", ""))
		check(t, operation{ID: "none"}, s.ask("TRACE", "/", ""))
	}
}

// TestPathsHaveOneForm: a path that another program may take for a route of ours,
// or a route for another path, leads nowhere. Nothing but what is written in the table
// is answered.
func TestPathsHaveOneForm(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	for _, op := range s.routes {
		if strings.Contains(op.Path, "{token}") || strings.Contains(op.Path, "{node}") {
			continue // any text may be one: it is compared, and leads nowhere else
		}
		path := op.example()
		at := strings.LastIndexByte(path, '/')
		head, tail := path[:at], path[at+1:]
		tricks := []string{
			path + "/", path + ";x", path + ";x=1", path + "%20", path + "%00", path + "\x00", path + "%0a", path + "/.", path + "/..", path + "/x/..",
			path + "//", path + "%2f", path + "%3f", path + "%23", path + `\`, path + "/%2e%2e", path + "..;/", path + "%c0%af", path + ".json",
			"/" + path, "/." + path, "/x/.." + path, "/%2e" + path, "/x/%2e%2e" + path, `\` + path, strings.ToUpper(head) + "/" + tail,
			head + "//" + tail, head + "/./" + tail, head + "/x/../" + tail, head + "%2f" + tail, head + "%2F" + tail, head + `\` + tail, head + ";/" + tail, head + "/;/" + tail,
			head + "/%" + fmt.Sprintf("%02x", tail[0]) + tail[1:], head + "/" + tail[:len(tail)-1] + "%" + fmt.Sprintf("%02X", tail[len(tail)-1]),
		}
		if up := strings.ToUpper(tail); up != tail && !strings.Contains(op.Path[strings.LastIndexByte(op.Path, '/'):], "{") {
			tricks = append(tricks, head+"/"+up)
		}
		for _, trick := range slices.DeleteFunc(tricks, func(trick string) bool { return trick == path }) {
			for _, token := range []string{"Bearer " + goodToken, "Bearer " + adminToken, ""} {
				r := s.raw(op.Method, trick, token)
				status := r.StatusCode()
				if status == 403 && token != "Bearer "+adminToken {
					continue // refused before anybody looks at the name
				}
				require.Contains(t, []int{400, 401, 404, 405}, status, "%s %s %q: %.300s", op.ID, op.Method, trick, r.Body())
			}
		}
	}
}

// raw sends a path as it is.
func (s *Server) raw(method, path, authorization string) *fasthttp.Response {
	ctx := &fasthttp.RequestCtx{}
	request := &fasthttp.Request{}
	request.Header.SetMethod(method)
	request.Header.SetRequestURI(path)
	request.Header.SetHost("atelier.test")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	ctx.Init(request, nil, nil)
	s.app.Handler()(ctx)
	response := &fasthttp.Response{}
	ctx.Response.CopyTo(response)
	return response
}

// TestNothingForgesALineOfTheLog: a request is one line in it, in either form,
// whatever the request has in it.
func TestNothingForgesALineOfTheLog(t *testing.T) {
	t.Parallel()
	const forged = "\r\nlevel=ERROR msg=forged \x1b[31m\u2028 {\"level\":\"ERROR\"}"
	for name, handler := range map[string]func(*bytes.Buffer, *slog.HandlerOptions) slog.Handler{
		"text": func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(b, o) },
		"json": func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(b, o) },
	} {
		var log bytes.Buffer
		s := fakeServer()
		s.deps.Log = slog.New(handler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		requests := 0
		for _, op := range s.routes {
			for _, path := range []string{op.example() + url.PathEscape(forged), op.example() + forged, op.example() + "?x=" + url.QueryEscape(forged)} {
				for _, header := range []string{"X-Request-Id", "User-Agent", "Traceparent", "X-Forwarded-For", "Referer", "Accept", "If-Match", "Idempotency-Key", "Authorization"} {
					request := &fasthttp.Request{}
					request.Header.SetMethod(op.Method)
					request.SetRequestURI(op.example())
					request.Header.SetRequestURI(path)
					request.Header.Set(header, forged)
					s.serve(request)
					requests++
				}
			}
		}
		lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
		asked := 0
		for _, line := range lines {
			require.NotContains(t, string(line), "\x1b", name)
			if name == "json" {
				var record struct{ Level, Msg string }
				require.NoError(t, json.Unmarshal(line, &record), "%s", line)
				require.NotEqual(t, "forged", record.Msg)
				if record.Msg == "request" {
					asked++
				}
				continue
			}
			require.True(t, bytes.HasPrefix(line, []byte("time=")), "%q", line)
			require.NotContains(t, string(line[:60]), "forged")
			if bytes.Contains(line[:min(len(line), 80)], []byte("msg=request ")) {
				asked++
			}
		}
		require.Equal(t, requests, asked, name)
	}
}

// TestCursorsAreNotForged: on every list, a cursor is good for the list, the caller
// and the query that it was given out for, and only as it was given out.
func TestCursorsAreNotForged(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	var lists []operation
	for _, op := range s.routes {
		if op.List {
			lists = append(lists, op)
		}
	}
	require.Greater(t, len(lists), 3)
	cursors := map[string]string{}
	for i := range lists {
		withOperation(s, &lists[i], lists[i].example(), func(c *call) {
			cursors[lists[i].ID] = *s.next(c, &messages.PageKey{At: 1, Id: someProject})
		})
	}
	for i := range lists {
		op, good := &lists[i], cursors[lists[i].ID]
		taken := func(cursor, query string) bool {
			r := s.ask("GET", op.example()+"?cursor="+url.QueryEscape(cursor)+query, "", "Authorization", "Bearer "+adminToken)
			if r.StatusCode() == 400 {
				require.Contains(t, string(r.Body()), `"invalid_cursor"`, op.ID)
			}
			return r.StatusCode() != 400
		}
		require.True(t, taken(good, ""), op.ID)
		for other, cursor := range cursors {
			require.Equal(t, other == op.ID, taken(cursor, ""), "a cursor of %s for %s", other, op.ID)
		}
		raw, err := base64.RawURLEncoding.DecodeString(good)
		require.NoError(t, err)
		for at := range raw {
			changed := slices.Clone(raw)
			changed[at] ^= 1
			require.False(t, taken(base64.RawURLEncoding.EncodeToString(changed), ""), "%s: byte %d", op.ID, at)
		}
		for _, made := range []string{good + "A", good + "=", good[1:], good[:len(good)-1], "x", " ", "null", "0", strings.Repeat("A", 64)} {
			require.False(t, taken(made, ""), "%s: %q", op.ID, made)
		}
	}
}

// withOperation runs f with a call of the fakes' user for an operation.
func withOperation(s *Server, op *operation, path string, f func(*call)) {
	withRequest(s, path, func(c *call) {
		c.op = op
		f(c)
	}, someUser)
}

// TestWhatIsNotTheirsIsNotAssigned sends every body that the document knows with
// what callers have no say in: each field of every resource, and of the entities
// behind them. All are refused by name.
func TestWhatIsNotTheirsIsNotAssigned(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	var document struct {
		Paths      map[string]map[string]documentedBody
		Components struct{ Schemas map[string]documentedSchema }
	}
	require.NoError(t, json.Unmarshal(s.Document(), &document))
	fields := map[string]bool{"password_hash": true, "auth_epoch": true, "credential_version": true, "epoch": true, "seq": true, "__proto__": true, "constructor": true, "$set": true}
	for _, schema := range document.Components.Schemas {
		for name := range schema.Properties {
			fields[name] = true
		}
	}
	require.Greater(t, len(fields), 40)
	resolve := func(schema documentedSchema) documentedSchema {
		if schema.Ref != "" {
			return document.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")]
		}
		return schema
	}
	bodies := 0
	for _, op := range s.routes {
		item := document.Paths[documentPath(&op)][strings.ToLower(op.Method)]
		schema := resolve(item.RequestBody.Content["application/json"].Schema)
		if len(schema.Properties) == 0 {
			continue // none, or the user's own object
		}
		bodies++
		var walk func(at string, schema documentedSchema)
		walk = func(at string, schema documentedSchema) {
			for field := range fields {
				if _, theirs := schema.Properties[field]; theirs {
					continue
				}
				body := nested(at, field)
				r := s.ask(op.Method, op.example(), body, "Authorization", "Bearer "+adminToken)
				require.Equal(t, 400, r.StatusCode(), "%s %s: %s", op.ID, body, r.Body())
				var p problemBody
				require.NoError(t, json.Unmarshal(r.Body(), &p))
				require.Contains(t, p.Errors, fieldError{Pointer: at + "/" + field, Code: "unknown_field", Message: p.Errors[slices.IndexFunc(p.Errors, func(f fieldError) bool { return f.Pointer == at+"/"+field })].Message})
			}
			for name, property := range schema.Properties {
				if inner := resolve(property); len(inner.Properties) > 0 {
					walk(at+"/"+name, inner)
				}
			}
		}
		walk("", schema)
	}
	require.GreaterOrEqual(t, bodies, 10)
}

type documentedSchema struct {
	Ref        string `json:"$ref"`
	Properties map[string]documentedSchema
}

type documentedBody struct {
	RequestBody struct {
		Content map[string]struct{ Schema documentedSchema }
	}
}

func documentPath(op *operation) string {
	if op.page {
		return op.Path
	}
	return base + op.Path
}

// nested is a body with one field at a pointer.
func nested(at, field string) string {
	body := fmt.Sprintf(`{%q:%q}`, field, "x")
	parts := strings.Split(strings.TrimPrefix(at, "/"), "/")
	for _, part := range slices.Backward(parts) {
		if part != "" {
			body = fmt.Sprintf(`{%q:%s}`, part, body)
		}
	}
	return body
}
