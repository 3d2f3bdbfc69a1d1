package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestConventions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		for name, test := range map[string]func(t *testing.T, ada *client, project string){
			"methods": methodsAreTold, "headers": everyReplyHasItsHeaders, "reads": readsAreConditional, "writes": writesAreConditional,
			"time-outs": requestsHaveTheirTime, "problems": problemsAreListed, "tokens": tokensAreChecked, "bodies": bodiesAreStrict, "ids": idsHaveOneForm,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				mine := p.client(t).as(ada)
				mine.t = t
				test(t, mine, project)
			})
		}
	})
}

func methodsAreTold(t *testing.T, ada *client, project string) {
	path := api + "/projects/" + project
	get := ada.do("GET", path, nil).want(t, 200)
	head := ada.do("HEAD", path, nil).want(t, 200)
	require.Empty(t, head.body)
	require.Equal(t, get.header.Get("ETag"), head.header.Get("ETag"))
	require.Equal(t, get.header.Get("Content-Length"), head.header.Get("Content-Length"))

	options := ada.nobody().do("OPTIONS", path, nil).want(t, 204)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		require.Contains(t, options.header.Get("Allow"), method)
	}
	for _, method := range []string{"POST", "TRACE", "BREW"} {
		refused := ada.do(method, path, nil).refused(t, 405, "method_not_allowed")
		require.Contains(t, refused.header.Get("Allow"), "PATCH")
		require.NotContains(t, refused.header.Get("Allow"), "POST")
	}
	for _, path := range []string{"/api", api, api + "/", api + "/nothing", path + "/", api + "/Projects", "//livez", "/problems/none"} {
		ada.do("GET", path, nil).refused(t, 404, "not_found")
	}
	ada.do("BREW", "/nothing", nil).refused(t, 404, "not_found")
}

func everyReplyHasItsHeaders(t *testing.T, ada *client, project string) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	for _, path := range []string{api + "/projects/" + project, api + "/projects/" + uuid.NewString(), "/nothing", "/livez", "/openapi.json"} {
		a := ada.do("GET", path, nil, "X-Request-Id: my-request.1", "Traceparent: 00-"+trace+"-b7ad6b7169203331-01")
		require.Equal(t, "my-request.1", a.header.Get("X-Request-Id"))
		require.Regexp(t, "^00-"+trace+"-[0-9a-f]{16}-01$", a.header.Get("Traceparent"))
		require.NotContains(t, a.header.Get("Traceparent"), "b7ad6b7169203331")
		a = ada.do("GET", path, nil, "Traceparent: 00-"+trace+"-b7ad6b7169203331-ff")
		require.Regexp(t, "-01$", a.header.Get("Traceparent"), "flags of later versions are not passed on")
		require.Equal(t, "private, no-store", a.header.Get("Cache-Control"))
		require.True(t, strings.HasPrefix(a.header.Get("Vary"), "Authorization, Cookie"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Empty(t, a.header.Get("Server"))
		for _, id := range []string{"", "a b", "<x>", strings.Repeat("x", 129)} {
			given := ada.do("GET", path, nil, "X-Request-Id: "+id).header.Get("X-Request-Id")
			require.Regexp(t, canonicalID, given)
		}
	}
	require.Equal(t, "public, max-age=300", ada.do("GET", "/.well-known/jwks.json", nil).want(t, 200).header.Get("Cache-Control"))
}

func readsAreConditional(t *testing.T, ada *client, project string) {
	for _, path := range []string{"/projects/" + project, "/users/me", "/users/" + ada.user, "/users/me/preferences"} {
		tag := ada.get(path).want(t, 200).header.Get("ETag")
		require.Regexp(t, `^"\d+"$`, tag)
		for _, header := range []string{tag, "W/" + tag, `"0", ` + tag, "*"} {
			a := ada.get(path, "If-None-Match: "+header).want(t, 304)
			require.Empty(t, a.body)
			require.Equal(t, tag, a.header.Get("ETag"))
			require.Empty(t, a.header.Get("Content-Type"))
		}
		ada.get(path, `If-None-Match: "0"`).want(t, 200)
	}
	require.Regexp(t, `^[0-9a-f-]{36}:\d+$`, ada.get("/projects/"+project).header.Get("Atelier-Position"))
}

func writesAreConditional(t *testing.T, ada *client, _ string) {
	ada.post("/projects", object{"name": "Harbour"}, `If-Match: "7"`).refused(t, 412, "version_mismatch")
	project := ada.post("/projects", object{"name": "Harbour"}).created(t)
	path, first := "/projects/"+project.text("id"), project.header.Get("ETag")
	require.Equal(t, api+path, project.header.Get("Location"))

	changed := ada.patch(path, object{"name": "Haven"}, "If-Match: "+first).want(t, 200)
	require.Equal(t, project.version(t)+1, changed.version(t))
	require.Equal(t, changed.version(t), changed.number("version"))
	for _, stale := range []string{first, "W/" + changed.header.Get("ETag"), `"x"`} {
		ada.patch(path, object{"name": "Lost"}, "If-Match: "+stale).refused(t, 412, "version_mismatch")
		ada.put(path, object{"name": "Lost"}, "If-Match: "+stale).refused(t, 412, "version_mismatch")
		ada.post(path+"/activate", nil, "If-Match: "+stale).refused(t, 412, "version_mismatch")
		ada.post(path+"/collaborators", object{"user_id": uuid.NewString()}, "If-Match: "+stale).refused(t, 412, "version_mismatch")
		ada.delete(path, "If-Match: "+stale).refused(t, 412, "version_mismatch")
	}
	for _, malformed := range []string{"5", `"1", "2"`, `"1`} {
		ada.patch(path, object{"name": "Lost"}, "If-Match: "+malformed).refused(t, 400, "validation_failed")
	}
	require.Equal(t, "Haven", ada.get(path).text("name"))
	ada.post(path+"/activate", nil, "If-Match: "+changed.header.Get("ETag")).want(t, 200)
	ada.patch(path, object{}, "If-Match: *").want(t, 200)
	ada.patch("/users/me", object{"name": "A"}, `If-Match: "999"`).refused(t, 412, "version_mismatch")
	ada.patch("/users/me/preferences", object{"a": 1}, `If-Match: "999"`).refused(t, 412, "version_mismatch")
	ada.delete(path, "If-Match: "+ada.get(path).header.Get("ETag")).want(t, 204)
	ada.patch(path, object{}, "If-Match: *").refused(t, 404, "not_found")
}

func requestsHaveTheirTime(t *testing.T, ada *client, project string) {
	ada.get("/projects/"+project, "Atelier-Timeout: 60000").want(t, 200)
	refused := ada.get("/projects/"+project, "Atelier-Timeout: 60001").refused(t, 400, "validation_failed")
	require.Equal(t, "Atelier-Timeout", refused.list("errors")[0].(object)["pointer"])
	// Hashing takes longer than a millisecond, whoever hashes.
	began := time.Now()
	ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword}, "Atelier-Timeout: 1").refused(t, 504, "timeout")
	require.Less(t, time.Since(began), 5*time.Second)
}

func problemsAreListed(t *testing.T, ada *client, _ string) {
	list := ada.nobody().do("GET", "/problems", nil).want(t, 200)
	require.Len(t, list.items(), 38)
	for _, entry := range list.items() {
		page := ada.nobody().do("GET", entry["type"].(string), nil).want(t, 200)
		require.Equal(t, entry, page.object())
	}
}

func tokensAreChecked(t *testing.T, ada *client, project string) {
	path := "/projects/" + project
	ada.get(path, "Authorization: bearer "+ada.token).want(t, 200)
	require.Equal(t, `Bearer realm="atelier"`, ada.nobody().get("/users/me").refused(t, 401, "unauthenticated").header.Get("WWW-Authenticate"))
	for _, header := range []string{"Basic YTpi", "Bearer ", "Bearer", "Bearer x.y.z", ada.token, "Bearer " + ada.token[:len(ada.token)-2]} {
		for _, path := range []string{"/users/me", path} { // a bad token is refused where none is needed too
			refused := ada.get(path, "Authorization: "+header).refused(t, 401, "invalid_token")
			require.Contains(t, refused.header.Get("WWW-Authenticate"), `error="invalid_token"`)
		}
	}
	ada.nobody().get(path).refused(t, 404, "not_found")
	// What does not need a token does not look at one: a client may send along what it has.
	ada.post("/auth/refresh", object{"refresh_token": ada.refresh}, "Authorization: Bearer expired").want(t, 200)
}

func bodiesAreStrict(t *testing.T, ada *client, project string) {
	refused := ada.post("/projects", object{"name": "x", "owner_id": ada.user, "settings": object{"max_collaborators": 10_001, "colour": 1}}).refused(t, 400, "validation_failed")
	var pointers []string
	for _, e := range refused.list("errors") {
		pointers = append(pointers, e.(object)["pointer"].(string)+" "+e.(object)["code"].(string))
	}
	require.Equal(t, []string{"/owner_id unknown_field", "/settings/colour unknown_field", "/settings/max_collaborators out_of_range"}, pointers)
	ada.post("/projects/"+project+"/activate", object{"x": 1}).refused(t, 400, "validation_failed")
	ada.post("/projects", `{"name":"x"}`, "Content-Type: text/plain").refused(t, 415, "unsupported_media_type")
	ada.post("/projects", `{"name":"x"}`, "Content-Type: application/merge-patch+json").refused(t, 415, "unsupported_media_type")
	ada.patch("/projects/"+project, `{"name":"x"}`, "Content-Type: application/merge-patch+json; charset=UTF-8").want(t, 200)
	ada.post("/projects", strings.Repeat(" ", 2<<20)).refused(t, 413, "payload_too_large")
	ada.get("/projects?colour=red").refused(t, 400, "validation_failed")
	ada.get("/projects?limit=0").refused(t, 400, "validation_failed")
	ada.get("/projects?q=%00").refused(t, 400, "validation_failed")
	ada.get("/projects?limit=5&limit=6").refused(t, 400, "validation_failed")
	require.Len(t, ada.post("/projects", `{`+strings.Repeat(`"a`, 0)+manyFields(1000)+`}`).refused(t, 400, "validation_failed").list("errors"), 20)

	// Preferences are the user's own: digits, order of magnitude and nulls survive.
	ada.patch("/users/me/preferences", `{"big":12345678901234567890.10,"a":{"b":1},"gone":1}`).want(t, 200)
	got := ada.patch("/users/me/preferences", `{"gone":null,"a":{"c":[null,"\\u0000"]}}`).want(t, 200)
	require.JSONEq(t, `{"big":12345678901234567890.10,"a":{"b":1,"c":[null,"\\u0000"]}}`, string(got.body))
	require.Contains(t, string(got.body), "12345678901234567890.10")
	ada.patch("/users/me/preferences", object{"x": strings.Repeat("x", 17<<10)}).refused(t, 400, "validation_failed")
	ada.patch("/users/me/preferences", object{"x": strings.Repeat("x", 48<<10)}).refused(t, 413, "payload_too_large")
}

func manyFields(n int) string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf(`"f%d":1`, i))
	}
	return strings.Join(fields, ",")
}

func idsHaveOneForm(t *testing.T, ada *client, project string) {
	require.Equal(t, project, ada.get("/projects/"+strings.ToUpper(project)).want(t, 200).text("id"))
	other := signUpAt(t, ada)
	path := "/projects/" + ada.post("/projects", object{"name": "Pier"}).created(t).text("id")
	added := ada.post(path+"/collaborators", object{"user_id": strings.ToUpper(other.user)}).created(t)
	require.Equal(t, other.user, added.text("user_id"))
	require.Equal(t, api+path+"/collaborators/"+other.user, added.header.Get("Location"))
	ada.post(path+"/collaborators", object{"user_id": other.user}).refused(t, 409, "already_collaborator")
	ada.patch(path+"/collaborators/"+strings.ToUpper(other.user), object{"role": "admin"}).want(t, 200)
	ada.get(path+"/permissions?user="+strings.ToUpper(other.user)).want(t, 200)
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7`), project, "ids are v7")
}

// signUpAt is signUp at the server of another client.
func signUpAt(t testing.TB, c *client) *client {
	next := c.nobody()
	next.email = fmt.Sprintf("friend-%s@example.com", uuid.NewString())
	next.user = next.post("/auth/register", object{"email": next.email, "name": "friend", "password": goodPassword}).created(t).text("id")
	return next.signIn(t)
}

// TestWhatIsNoHTTP: requests that no client library sends are answered with
// problems too, and the answer arrives though the request was not read to its end.
func TestWhatIsNoHTTP(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["postgres"](t))
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"not HTTP":            {"HELLO\r\n\r\n", 400},
		"no host":             {"GET /livez HTTP/1.1\r\n\r\n", 400},
		"large headers":       {"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 413},
		"large body":          {"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("x", 3_000_000), 413},
		"large chunks":        {"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n" + strings.Repeat("x", 3_000_000) + "\r\n0\r\n\r\n", 413},
		"bad length":          {"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400},
		"bad bytes in a path": {"GET /api/v1/projects/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"control characters":  {"GET /livez HTTP/1.1\r\nHost: x\r\nUser-Agent: \x01\r\n\r\n", 400},
		"odd agent":           {"GET /livez HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", p.api.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, err = io.WriteString(conn, c.request)
			require.NoError(t, err)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, response.StatusCode, "%s", body)
			require.NotEmpty(t, response.Header.Get("X-Request-Id"))
			if c.status >= 400 {
				require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"), "%s", body)
			}
		})
	}
}
