package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// rightsOp is an operation of the document, and how it is asked.
type rightsOp struct {
	id, method, path, permission string
	uses                         bool // a success uses the object up
	fresh                        bool // a success changes who asks
	body                         func(w *rightsWorld, object string) any
}

// rightsBodies are those of the operations that take one; all are such that they
// succeed where the caller may.
var rightsBodies = map[string]func(w *rightsWorld, variant string) any{
	"register": func(*rightsWorld, string) any {
		return object{"email": fmt.Sprintf("new-%d@example.com", people.Add(1)), "name": "New", "password": goodPassword}
	},
	"login": func(w *rightsWorld, _ string) any {
		return object{"email": w.fixed["stranger"].email, "password": goodPassword}
	},
	"refresh": func(w *rightsWorld, _ string) any {
		_, _, refresh := w.open(w.newUser(true))
		return object{"refresh_token": refresh}
	},
	"verifyEmail":        linkBody(messages.LinkVerify),
	"confirmEmail":       linkBody(messages.LinkConfirmEmail),
	"resetPassword":      linkBody(messages.LinkReset),
	"resendVerification": static(object{"email": "nobody@example.com"}),
	"forgotPassword":     static(object{"email": "nobody@example.com"}),
	"checkPassword":      static(object{"password": goodPassword}),
	"reauthenticate":     static(object{"password": goodPassword}),
	"updateMe":           static(object{"name": "Somebody"}),
	"updatePreferences":  static(object{"theme": "dark"}),
	"changePassword":     static(object{"current_password": goodPassword, "new_password": secondPassword}),
	"changeEmail":        static(object{"new_email": "elsewhere@example.com"}),
	"createProject":      static(object{"name": "Harbour"}),
	"replaceProject":     static(object{"name": "Haven"}),
	"updateProject": func(_ *rightsWorld, variant string) any {
		if variant == "its settings" {
			return object{"settings": object{"allow_comments": false}}
		}
		return object{"name": "Haven"}
	},
	"addCollaborator": func(w *rightsWorld, variant string) any {
		return object{"user_id": w.userIn(cmp.Or(variant, "newcomer"))(nil), "role": "viewer"}
	},
	"changeRole": static(object{"role": "commenter"}),
	"invite":     static(object{"email": "guest@example.com", "role": "viewer"}),
	"offerOwnership": func(w *rightsWorld, variant string) any {
		return object{"user_id": w.userIn(cmp.Or(variant, "newcomer"))(nil)}
	},
	"createDocument": static(object{"name": "Minutes"}),
	"renameDocument": static(object{"name": "Plan"}),
	"createVersion":  static(object{"name": "Draft"}),
	"appendUpdate":   static(yjsText(9, 0, "more")),
	"createTicket":   static(object{}),
	"createUser": func(*rightsWorld, string) any {
		return object{"email": fmt.Sprintf("made-%d@example.com", people.Add(1)), "name": "Made"}
	},
	"replaceUser": static(object{"name": "Somebody", "roles": []string{}}),
	"updateUser":  static(object{"roles": []string{"admin"}}),
	"suspendUser": static(object{"reason": "x"}),
}

func static(body any) func(*rightsWorld, string) any {
	return func(*rightsWorld, string) any { return body }
}

// linkBody has the token of a link that a new user has not used, or one that is good
// for something else.
func linkBody(purpose string) func(*rightsWorld, string) any {
	return func(w *rightsWorld, variant string) any {
		user, link := uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
		email := fmt.Sprintf("link-%d@example.com", people.Add(1))
		accounts := w.p.clients.accounts
		_, err := accounts.RegisterAccount(w.t.Context(), &messages.RegisterAccount{
			Meta: w.as(user), UserId: user, Email: email, Name: "New", LinkId: link, PasswordHash: w.hash, Invited: purpose == messages.LinkReset, Activate: purpose == messages.LinkConfirmEmail,
		})
		require.NoError(w.t, err)
		if purpose == messages.LinkConfirmEmail {
			_, err = accounts.ChangeEmail(w.t.Context(), &messages.ChangeEmail{Meta: w.as(user), UserId: user, NewEmail: "next-" + email, LinkId: link, NewLinkId: uuid.NewString()})
			require.NoError(w.t, err)
		}
		as := purpose
		if variant == "a link for something else" {
			as = map[string]string{messages.LinkVerify: messages.LinkReset, messages.LinkReset: messages.LinkVerify, messages.LinkConfirmEmail: messages.LinkReset}[purpose]
		}
		token, err := w.p.mint.MintLink(as, user, link)
		require.NoError(w.t, err)
		body := object{"token": token}
		if purpose == messages.LinkReset {
			body["password"] = secondPassword
		}
		return body
	}
}

// harmless are writes after which everything is as before, for the next one who asks.
var harmless = strings.Fields(`updateProject updateMe updatePreferences checkPassword login forgotPassword resendVerification createProject createUser
	register refresh verifyEmail confirmEmail resetPassword reauthenticate changePassword changeEmail invite resendInvitation offerOwnership resendMail revokeSessions endOtherSessions
	createDocument renameDocument createVersion restoreVersion appendUpdate createTicket
	drainNode logout deleteMe replaceUser updateUser`)

// changing are those that change who asks, or tell all of him.
var changing = strings.Fields("logout deleteMe changePassword reauthenticate endSession exportMe")

// rightsOps are all operations, in an order that stays.
func rightsOps(t *testing.T, d *openAPI) (ops []*rightsOp) {
	for path, methods := range d.Paths {
		for method, doc := range methods {
			op := &rightsOp{
				id: doc.ID, method: strings.ToUpper(method), path: path, permission: doc.Permission, body: rightsBodies[doc.ID],
				uses:  method != "get" && !slices.Contains(harmless, doc.ID),
				fresh: slices.Contains(changing, doc.ID),
			}
			require.Equal(t, doc.Body != nil, op.body != nil, "say in rightsBodies how %s is asked", doc.ID)
			ops = append(ops, op)
		}
	}
	order := func(op *rightsOp) string { return op.path + " " + op.method }
	slices.SortFunc(ops, func(a, b *rightsOp) int { return cmp.Compare(order(a), order(b)) })
	known := map[string]bool{}
	for _, op := range ops {
		known[op.id] = true
	}
	for _, id := range append(slices.Concat(harmless, changing), slices.Collect(maps.Keys(rightsBodies))...) {
		require.True(t, known[id], "there is no operation %s", id)
	}
	return ops
}

// callers of public operations are not asked who they are; a few show that.
func (op *rightsOp) callers() []string {
	if op.permission == "public" {
		return []string{"nobody", "owner", "administrator", "suspended", "deleted"}
	}
	return callerNames()
}

// objects are the kinds that the operation is asked about: "state" or "state: variant".
func (op *rightsOp) objects() []string {
	states := []string{"draft", "active", "public", "archived", "deleted", "unknown", "malformed"}
	variants := func(state string, names ...string) []string {
		all := slices.Clone(states)
		for _, name := range names {
			all = append(all, state+": "+name)
		}
		return all
	}
	switch {
	case strings.Contains(op.path, "{version_id}"):
		return variants("active", "another document's version", "unknown version", "malformed version")
	case strings.Contains(op.path, "{document_id}"):
		return variants("active", "deleted document")
	case strings.Contains(op.path, "{invitation_id}"):
		return variants("active", "another project's", "taken back", "unknown invitation", "malformed invitation")
	case strings.HasSuffix(op.path, "/collaborators/{user_id}"):
		return append(variants("active", "oneself", "me", "the owner", "no member", "unknown", "malformed"), "archived: oneself", "public: oneself")
	case op.id == "addCollaborator":
		return variants("active", "member", "suspended", "deleted", "unknown")
	case op.id == "offerOwnership":
		return variants("active", "member", "pending", "suspended", "deleted", "unknown")
	case op.id == "updateProject":
		return variants("active", "its settings")
	case strings.Contains(op.path, "{project_id}"):
		return states
	case strings.Contains(op.path, "{user_id}"):
		return []string{"active", "oneself", "pending", "suspended", "inactive", "owning", "deleted", "unknown", "malformed"}
	case strings.Contains(op.path, "{token}"):
		return []string{"waiting", "taken back", "of an archived project", "of a deleted project", "a link for something else", "malformed"}
	case strings.Contains(op.path, "{session_id}"):
		return []string{"one's own", "another's", "ended", "unknown", "malformed"}
	case strings.Contains(op.path, "{node}"), strings.Contains(op.path, "{code}"):
		return []string{"known", "unknown"}
	case slices.Contains([]string{"verifyEmail", "confirmEmail", "resetPassword"}, op.id):
		return []string{"unused", "a link for something else"}
	default:
		return []string{""}
	}
}

// target makes an object of that kind. What it returns gives, for whoever asks, the
// path and the body.
func (w *rightsWorld) target(op *rightsOp, kind string) func(*rightsCaller) (string, any) {
	state, variant, _ := strings.Cut(kind, ": ")
	var parameters func(c *rightsCaller) []string
	switch {
	case strings.Contains(op.path, "{document_id}"):
		parameters = w.documentTarget(state, variant)
	case strings.Contains(op.path, "{project_id}"):
		parameters = w.projectTarget(op, state, variant)
	case strings.Contains(op.path, "{user_id}"):
		user := w.userIn(state)
		if op.method != "GET" {
			user = w.newUserIn(state)
		}
		parameters = func(c *rightsCaller) []string { return []string{"{user_id}", user(c)} }
	case strings.Contains(op.path, "{token}"):
		token := w.invitationToken(state)
		parameters = func(*rightsCaller) []string { return []string{"{token}", token} }
	case strings.Contains(op.path, "{session_id}"):
		parameters = func(c *rightsCaller) []string { return []string{"{session_id}", w.sessionIn(state, c)} }
	default:
		parameters = func(*rightsCaller) []string {
			if state == "unknown" {
				return []string{"{node}", "no-such-node", "{code}", "no_such_code"}
			}
			return []string{"{node}", w.p.members.node, "{code}", "not_found"}
		}
	}
	if !strings.Contains(op.path, "{project_id}") && !strings.Contains(op.path, "{document_id}") {
		variant = state
	}
	return func(c *rightsCaller) (string, any) {
		path := strings.NewReplacer(parameters(c)...).Replace(op.path)
		if op.body == nil {
			return path, nil
		}
		return path, op.body(w, variant)
	}
}

// documentTarget is a document of a project in a state, and a version of it.
func (w *rightsWorld) documentTarget(state, variant string) func(*rightsCaller) []string {
	if state == "unknown" || state == "malformed" {
		id := w.userIn(state)(nil)
		return func(*rightsCaller) []string { return []string{"{document_id}", id, "{version_id}", uuid.NewString()} }
	}
	p := w.newProject("draft", false)
	id, version := w.newDocument(p.id)
	switch variant {
	case "another document's version":
		_, version = w.newDocument(p.id)
	case "unknown version":
		version = uuid.NewString()
	case "malformed version":
		version = "x"
	case "deleted document":
		_, err := w.p.clients.documents.DeleteDocument(w.t.Context(), &messages.DeleteDocument{Meta: w.as(w.fixed["owner"].user), ProjectId: p.id, DocumentId: id})
		require.NoError(w.t, err)
	}
	w.bring(p.id, state)
	return func(*rightsCaller) []string { return []string{"{document_id}", id, "{version_id}", version} }
}

// newDocument is one of the owner's project, with a version.
func (w *rightsWorld) newDocument(project string) (id, version string) {
	ctx, documents, owner := w.t.Context(), w.p.clients.documents, w.fixed["owner"].user
	id, version = uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
	_, err := documents.CreateDocument(ctx, &messages.CreateDocument{Meta: w.as(owner), ProjectId: project, DocumentId: id, Name: "Minutes"})
	require.NoError(w.t, err)
	_, err = documents.CreateVersion(ctx, &messages.CreateVersion{Meta: w.as(owner), ProjectId: project, DocumentId: id, VersionId: version, Name: "Draft"})
	require.NoError(w.t, err)
	return id, version
}

func (w *rightsWorld) projectTarget(op *rightsOp, state, variant string) func(*rightsCaller) []string {
	p := &rightsProject{invitation: uuid.NewString(), member: uuid.NewString()}
	if state == "unknown" || state == "malformed" {
		p.id = w.userIn(state)(nil)
	} else {
		p = w.newProject(state, op.method == "GET" || strings.Contains(op.path, "invitations") || strings.Contains(op.path, "transfer"))
	}
	invitation := p.invitation
	switch variant {
	case "another project's":
		invitation = w.newProject("active", true).invitation
	case "taken back":
		_, err := w.p.clients.projects.RevokeInvitation(w.t.Context(), &messages.RevokeInvitation{Meta: w.as(w.fixed["owner"].user), ProjectId: p.id, InvitationId: invitation})
		require.NoError(w.t, err)
	case "unknown invitation":
		invitation = uuid.NewString()
	case "malformed invitation":
		invitation = "x"
	}
	return func(c *rightsCaller) []string {
		user := p.member
		switch variant {
		case "oneself", "unknown", "malformed":
			user = w.userIn(variant)(c)
		case "me":
			user = "me"
		case "the owner":
			user = w.fixed["owner"].user
		case "no member":
			user = w.userIn("newcomer")(nil)
		}
		return []string{"{project_id}", p.id, "{invitation_id}", invitation, "{user_id}", user}
	}
}

// invitationToken is that of a link to somebody who is invited.
func (w *rightsWorld) invitationToken(state string) string {
	project, purpose := "active", messages.LinkInvitation
	switch state {
	case "malformed":
		return "x"
	case "of an archived project":
		project = "archived"
	case "of a deleted project":
		project = "deleted"
	case "a link for something else":
		purpose = messages.LinkReset
	}
	p := w.newProject(project, true)
	if state == "taken back" {
		_, err := w.p.clients.projects.RevokeInvitation(w.t.Context(), &messages.RevokeInvitation{Meta: w.as(w.fixed["owner"].user), ProjectId: p.id, InvitationId: p.invitation})
		require.NoError(w.t, err)
	}
	token, err := w.p.mint.MintLink(purpose, p.id, p.invitation)
	require.NoError(w.t, err)
	return token
}

// sessionIn is a session of whoever asks, or of another.
func (w *rightsWorld) sessionIn(state string, c *rightsCaller) string {
	switch state {
	case "one's own":
		return cmp.Or(c.session, uuid.NewString())
	case "another's", "ended":
		account := w.newUser(true)
		session, token, _ := w.open(account)
		if state == "ended" {
			w.base.post("/auth/logout", nil, "Authorization: Bearer "+token).want(w.t, 204)
		}
		return session
	case "malformed":
		return "x"
	default:
		return uuid.NewString()
	}
}
