package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// driver sends generated requests to one operation and holds every reply
// against the document.
type driver struct {
	*generator
	p            *program
	method, path string
	op           *documented
	owner, other *client
	node         string
	statuses     map[int]int // seen
	ended        int         // sessions that were replaced
	faults       []string
}

func readDocument(t testing.TB, p *program) *openAPI {
	t.Helper()
	d := &openAPI{}
	require.NoError(t, json.Unmarshal(p.client(t).do("GET", "/openapi.json", nil).want(t, 200).body, d))
	return d
}

func newDriver(t testing.TB, p *program, d *openAPI, method, path string, seed uint64) *driver {
	g := &generator{openAPI: d, Rand: rand.New(rand.NewPCG(seed, 0)), known: map[string]string{
		"password": goodPassword, "current_password": goodPassword, "new_password": goodPassword,
		"until": "2099-01-01T00:00:00Z", "website": "https://example.com/a", "avatar_url": "https://example.com/b.png",
	}}
	dr := &driver{generator: g, p: p, method: strings.ToUpper(method), path: path, op: d.Paths[path][method], statuses: map[int]int{}}
	dr.owner, dr.other, dr.node = signUp(t, p, "owner"), signUp(t, p, "other"), p.members.node
	if strings.HasPrefix(dr.op.Permission, "installation:") {
		dr.owner = admin(t, p)
	}
	return dr
}

// request is one to send; what is empty is filled in so that it can succeed.
type request struct {
	as      *client
	path    string
	query   string
	body    *string
	headers []string
}

// fresh makes what the operation needs: a project with a collaborator, a session
// to end, a token to refresh. It tells the path.
func (d *driver) fresh() string {
	path := d.path
	d.known["email"], d.known["user_id"] = fmt.Sprintf("new-%s@example.com", uuid.NewString()), d.other.user
	if strings.Contains(path, "{project_id}") {
		project := d.owner.post("/projects", object{"name": "Harbour"}).text("id")
		path = strings.Replace(path, "{project_id}", project, 1)
		if !strings.HasSuffix(path, "/collaborators") && d.op.ID != "acceptInvitation" {
			d.owner.post("/projects/"+project+"/collaborators", object{"user_id": d.other.user, "role": "viewer"})
		}
		switch d.op.ID {
		case "archiveProject":
			d.owner.post("/projects/"+project+"/activate", nil)
		case "restoreProject":
			d.owner.post("/projects/"+project+"/activate", nil)
			d.owner.post("/projects/"+project+"/archive", nil)
		}
	}
	if strings.Contains(path, "{document_id}") {
		path = d.freshDocument(path)
	}
	if strings.HasPrefix(path, api+"/users/{user_id}") {
		path = strings.Replace(path, "{user_id}", d.freshUser(), 1)
	}
	if strings.Contains(path, "{token}") || strings.Contains(path, "{invitation_id}") {
		path = d.freshInvitation(path)
	}
	switch d.op.ID {
	case "acceptOwnership", "declineOwnership":
		path = strings.Replace(d.path, "{project_id}", d.freshOffer(), 1)
	case "verifyEmail", "resetPassword", "confirmEmail":
		d.known["token"] = d.freshLink()
	case "changeEmail":
		if d.statuses[202] == 0 {
			d.owner.post("/auth/reauthenticate", object{"password": goodPassword})
		}
		d.known["new_email"] = d.known["email"]
	case "refresh":
		d.known["refresh_token"] = d.owner.refresh
	case "login":
		d.known["email"] = d.owner.email
	case "deleteMe":
		if d.statuses[204] > d.ended {
			d.ended, d.owner = d.statuses[204], signUp(d.owner.t, d.p, "owner")
		}
	case "logout", "endSession":
		if d.statuses[204] > d.ended {
			d.ended, d.owner = d.statuses[204], d.owner.signIn(d.owner.t)
		}
	}
	return strings.NewReplacer("{user_id}", d.other.user, "{session_id}", d.owner.session, "{node}", d.node, "{code}", "not_found").Replace(path)
}

// freshDocument fills in a document with something in it, and a version of that.
func (d *driver) freshDocument(path string) string {
	project := d.owner.post("/projects", object{"name": "Harbour"}).text("id")
	id := d.owner.post("/projects/"+project+"/documents", object{"name": "Minutes"}).text("id")
	d.owner.append(id, yjsText(7, 0, "ab"))
	if strings.Contains(path, "{version_id}") {
		version := d.owner.post("/documents/"+id+"/versions", object{"name": "First"}).text("id")
		d.owner.append(id, yjsText(7, 2, "c"))
		path = strings.Replace(path, "{version_id}", version, 1)
	}
	return strings.Replace(path, "{document_id}", id, 1)
}

// freshUser is a user whose status lets him make the operation's move.
func (d *driver) freshUser() string {
	t, accounts := d.owner.t, d.p.clients.accounts
	user := uuid.NewString()
	meta := func() *messages.Meta {
		return &messages.Meta{CommandId: "m:" + uuid.NewString(), Roles: []string{"admin"}}
	}
	_, err := accounts.RegisterAccount(t.Context(), &messages.RegisterAccount{
		Meta: meta(), UserId: user, Email: d.known["email"], Name: "New", Activate: d.op.ID != "activateUser" && d.op.ID != "resendMail",
	})
	require.NoError(t, err)
	if d.op.ID == "reactivateUser" {
		_, err = accounts.SuspendUser(t.Context(), &messages.SuspendUser{Meta: meta(), UserId: user, Reason: "x"})
		require.NoError(t, err)
	}
	return user
}

// freshInvitation fills in an invitation for the driver's own user, who is not in the
// project.
func (d *driver) freshInvitation(path string) string {
	t := d.owner.t
	project := d.other.post("/projects", object{"name": "Harbour"}).text("id")
	host := d.other
	if strings.Contains(path, "{invitation_id}") {
		project = strings.Split(strings.TrimPrefix(path, api+"/projects/"), "/")[0]
		host = d.owner
	}
	host.post("/projects/"+project+"/invitations", object{"email": d.owner.email}).want(t, 202)
	invitation := host.get("/projects/"+project+"/invitations").want(t, 200).items()[0]["id"].(string)
	token, err := d.p.mint.MintLink(messages.LinkInvitation, project, invitation)
	require.NoError(t, err)
	return strings.NewReplacer("{token}", token, "{invitation_id}", invitation).Replace(path)
}

// freshOffer is a project that is offered to the driver's own user.
func (d *driver) freshOffer() string {
	project := d.other.post("/projects", object{"name": "Harbour"}).text("id")
	d.other.post("/projects/"+project+"/transfer", object{"user_id": d.owner.user}).want(d.owner.t, 200)
	return project
}

// freshLink is the token of a link that a new user has not used.
func (d *driver) freshLink() string {
	t, accounts := d.owner.t, d.p.clients.accounts
	user, link := uuid.NewString(), uuid.Must(uuid.NewV7()).String()
	meta := func() *messages.Meta {
		return &messages.Meta{Principal: user, CommandId: "m:" + uuid.NewString(), Roles: []string{"admin"}}
	}
	purpose := map[string]string{"verifyEmail": messages.LinkVerify, "resetPassword": messages.LinkReset, "confirmEmail": messages.LinkConfirmEmail}[d.op.ID]
	_, err := accounts.RegisterAccount(t.Context(), &messages.RegisterAccount{
		Meta: meta(), UserId: user, Email: d.known["email"], Name: "New", LinkId: link, Invited: purpose == messages.LinkReset, Activate: purpose == messages.LinkConfirmEmail,
	})
	require.NoError(t, err)
	if purpose == messages.LinkConfirmEmail {
		_, err = accounts.ChangeEmail(t.Context(), &messages.ChangeEmail{Meta: meta(), UserId: user, NewEmail: "next-" + d.known["email"], LinkId: link, NewLinkId: uuid.NewString()})
		require.NoError(t, err)
	}
	token, err := d.p.mint.MintLink(purpose, user, link)
	require.NoError(t, err)
	return token
}

// send sends a request and checks the reply.
func (d *driver) send(what string, r request) *answer {
	path := d.fresh()
	if r.path != "" {
		path = r.path
	}
	if r.as == nil {
		r.as = d.owner
	}
	if r.query != "" {
		path += "?" + r.query
	}
	if d.takesOctets() && !slices.ContainsFunc(r.headers, func(h string) bool { return strings.HasPrefix(h, "Content-Type") }) {
		r.headers = append(slices.Clone(r.headers), "Content-Type: application/octet-stream")
	}
	if r.body == nil && d.takesOctets() {
		body := string(yjsText(byte(1+d.IntN(100)), 0, "xyz"))
		r.body = &body
	} else if r.body == nil && d.op.Body != nil {
		body := render(d.valid(d.op.Body.Content["application/json"].Schema, ""))
		r.body = &body
	}
	var body any
	if r.body != nil {
		body = *r.body
	}
	a, err := r.as.try(d.method, path, body, r.headers...)
	if err != nil {
		d.fault(what, path, r, "no reply: "+err.Error())
		return &answer{}
	}
	d.statuses[a.status]++
	if fault := d.check(a, what == "a time-out"); fault != "" {
		d.fault(what, path, r, fault)
	}
	return a
}

// takesOctets reports whether the body is no JSON.
func (d *driver) takesOctets() bool {
	return d.op.Body != nil && d.op.Body.Content["application/json"].Schema == nil
}

func (d *driver) fault(what, path string, r request, fault string) {
	body := ""
	if r.body != nil {
		body = (*r.body)[:min(300, len(*r.body))]
	}
	d.faults = append(d.faults, fmt.Sprintf("%s (%s %s, %s): %q %q: %s", d.op.ID, d.method, path, what, r.headers, body, fault))
}

// check tells where a reply differs from the document.
func (d *driver) check(a *answer, slow bool) string {
	if a.status >= 500 && !(slow && a.status == 504) {
		return fmt.Sprintf("answered %d: %s", a.status, a.body)
	}
	doc, documented := d.op.Responses[strconv.Itoa(a.status)]
	if !documented {
		return fmt.Sprintf("the status %d is not documented: %s", a.status, a.body)
	}
	for name := range doc.Headers {
		optional := name == "Idempotency-Replayed" || name == "Traceparent" || name == "Atelier-Consistency" || strings.HasPrefix(name, "RateLimit")
		if a.header.Get(name) == "" && !optional {
			return fmt.Sprintf("the header %s is missing with %d", name, a.status)
		}
	}
	if len(doc.Content) == 0 {
		if len(a.body) > 0 || a.header.Get("Content-Type") != "" {
			return fmt.Sprintf("%d has a body: %s", a.status, a.body)
		}
		return ""
	}
	content, typed := doc.Content[a.header.Get("Content-Type")]
	if !typed {
		return fmt.Sprintf("the content type %q of %d is not documented", a.header.Get("Content-Type"), a.status)
	}
	if !strings.Contains(a.header.Get("Content-Type"), "json") {
		return ""
	}
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		return fmt.Sprintf("the body of %d is no JSON: %s", a.status, a.body)
	}
	if fault := d.conforms(content.Schema, value, ""); fault != "" {
		return fmt.Sprintf("the body of %d: %s: %s", a.status, fault, a.body)
	}
	if code, is := value.(object)["code"].(string); is && a.status >= 400 && !slices.Contains(d.op.Problems, code) {
		return fmt.Sprintf("the problem %s is not declared", code)
	}
	return ""
}

// refuses sends a request that must be refused as the client's fault.
func (d *driver) refuses(what string, r request, codes ...string) {
	if a := d.send(what, r); a.status != 0 && !slices.Contains(codes, a.text("code")) {
		d.fault(what, "", r, fmt.Sprintf("answered %d %s, and not %s", a.status, a.body, codes))
	}
}

// run drives the operation through everything.
func (d *driver) run() {
	for range 6 {
		d.send("a valid request", request{query: d.validQuery()})
	}
	d.bodies()
	d.paths()
	d.queries()
	d.headers()
}

func (d *driver) bodies() {
	if d.op.Body == nil {
		if d.method != "GET" {
			body := `{"surprise":1}`
			d.refuses("a body where none is taken", request{body: &body}, "validation_failed")
		}
		return
	}
	if d.takesOctets() {
		d.octets()
		return
	}
	s := d.op.Body.Content["application/json"].Schema
	for _, fault := range slices.Sorted(maps.Keys(d.invalid(s))) {
		d.fresh()
		body := render(d.invalid(s)[fault])
		d.refuses(fault, request{body: &body}, "validation_failed")
	}
	for _, fault := range slices.Sorted(maps.Keys(brokenBodies)) {
		body := brokenBodies[fault]
		if body == "" && !d.op.Body.Required {
			d.fresh()
			d.send("no body", request{body: &body})
			continue
		}
		d.refuses(fault, request{body: &body}, "malformed_json", "validation_failed")
	}
	large := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	d.refuses("a large body", request{body: &large}, "payload_too_large")
}

func (d *driver) octets() {
	whole := string(yjsText(7, 0, "some text"))
	for what, body := range map[string]string{"nothing": "", "an end too early": whole[:9], "something behind": whole + "x", "JSON": `{"name":"x"}`} {
		d.refuses(what, request{body: &body}, "validation_failed")
	}
	large := strings.Repeat("x", 2<<20)
	d.refuses("a large body", request{body: &large}, "payload_too_large")
}

func (d *driver) paths() {
	for _, id := range []string{"x", "0", "null", "-1", uuid.Nil.String(), uuid.NewString(), "%00", "%2e%2e", "..%2f..%2flivez", "%F0%9F%98%80", "*", strings.Repeat("9", 2000)} {
		for _, name := range []string{"{project_id}", "{user_id}", "{session_id}", "{invitation_id}", "{document_id}", "{version_id}", "{token}", "{node}", "{code}"} {
			if !strings.Contains(d.path, name) {
				continue
			}
			path := strings.Replace(d.path, name, id, 1)
			path = strings.NewReplacer("{project_id}", d.owner.post("/projects", object{"name": "x"}).text("id"), "{user_id}", d.other.user, "{invitation_id}", uuid.NewString(),
				"{document_id}", uuid.NewString(), "{version_id}", uuid.NewString()).Replace(path)
			d.send("the path with "+id, request{path: path})
		}
	}
}

func (d *driver) validQuery() string {
	query := url.Values{}
	for _, p := range d.op.Parameters {
		if p.In == "query" && p.Name != "cursor" && p.Name != "since" && d.IntN(2) == 0 {
			query.Set(p.Name, fmt.Sprint(d.valid(p.Schema, p.Name)))
		}
	}
	return query.Encode()
}

func (d *driver) queries() {
	if !strings.HasPrefix(d.path, api) {
		return
	}
	d.refuses("an unknown parameter", request{query: "surprise=1"}, "validation_failed")
	d.send("a query of nothing", request{query: "&&="})
	d.send("a query that is not coded", request{query: "%zz=%"})
	for _, p := range d.op.Parameters {
		if p.In != "query" {
			continue
		}
		d.refuses("a parameter twice", request{query: p.Name + "=1&" + p.Name + "=2"}, "validation_failed", "invalid_cursor")
		for _, value := range []string{"%00", "%ff%fe", "-1", "101", "1e3", "9999999999999999999999", "%27%3B--", "true", strings.Repeat("x", 3000)} {
			d.send("the parameter "+p.Name, request{query: p.Name + "=" + value})
		}
		for fault, value := range d.wrong(p.Schema) {
			if strings.HasPrefix(fault, "as ") && p.Schema.Type != "boolean" && fault != "as something else" && fault != "as a fraction" || fault == "as null" || value == "true" {
				continue // a query is all text
			}
			d.refuses("the parameter "+p.Name+" "+fault, request{query: p.Name + "=" + url.QueryEscape(fmt.Sprint(value))}, "validation_failed", "invalid_cursor")
		}
	}
}

func (d *driver) headers() {
	if !strings.HasPrefix(d.path, api) {
		return
	}
	if _, empty := d.op.Responses["204"]; !empty {
		d.refuses("no JSON taken", request{headers: []string{"Accept: text/html, application/json;q=0"}}, "not_acceptable")
	}
	for _, wait := range []string{"0", "-1", "60001", "soon", "", "1.5", "99999999999999999999"} {
		d.refuses("a bad time-out", request{headers: []string{"Atelier-Timeout: " + wait}}, "validation_failed")
	}
	d.send("a time-out", request{headers: []string{"Atelier-Timeout: 1"}})
	for _, h := range []string{
		"X-Request-Id: <script>", "X-Request-Id: " + strings.Repeat("x", 500), "Traceparent: 00-x-y-00", "Traceparent: " + strings.Repeat("0", 55),
		"If-None-Match: x,\"1\",W/\"2\"", "Range: bytes=0-5", "User-Agent: \xff\xfe", "X-Forwarded-Host: evil.example", "X-HTTP-Method-Override: DELETE",
		"Idempotency-Key: " + uuid.NewString(), "If-Match: *", "If-Match: W/\"1\"", "If-Match: \"999\"", "If-Match: 1", "If-Match: \"1\", \"2\"", "Cookie: a=b",
	} {
		d.send("the header "+h[:min(60, len(h))], request{headers: []string{h}})
	}
	if slices.ContainsFunc(d.op.Parameters, func(p parameterDoc) bool { return p.Name == "Idempotency-Key" }) {
		for _, key := range []string{"", "a b", strings.Repeat("k", 256), "schlüssel"} {
			d.refuses("a bad key", request{headers: []string{"Idempotency-Key: " + key}}, "validation_failed")
		}
	}
	if d.op.Body != nil {
		for _, h := range []string{"Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: ", "Content-Type: application/json; charset=latin1", "Content-Encoding: gzip"} {
			d.refuses("the header "+h, request{headers: []string{h}}, "unsupported_media_type")
		}
	}
	if d.op.Permission == "public" || d.op.Permission == "socket" { // whose credentials are judged when it is open
		return
	}
	for _, h := range []string{"Authorization: Bearer", "Authorization: Bearer x", "Authorization: Basic YTpi", "Authorization: Bearer " + strings.Repeat("x", 6000), "Authorization: Bearer " + d.owner.token + "x"} {
		d.refuses("a bad token", request{headers: []string{h}}, "invalid_token")
	}
	d.refuses("no token", request{as: d.owner.nobody()}, "unauthenticated", "not_found")
}
