package main

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/identity/password"
	"atelier/messages"
)

// rightsWorld has everybody who asks, and makes what they ask for. It is seeded
// through the entities and not over HTTP, so that it takes little time.
type rightsWorld struct {
	t     *testing.T
	p     *program
	base  *client
	hash  string // of goodPassword
	ops   []*rightsOp
	fixed map[string]*rightsCaller // by name

	cookies bool // ask by them too

	mu      sync.Mutex
	objects map[string]func(*rightsCaller) string // users by their state, made once
}

// rightsCaller is somebody who asks.
type rightsCaller struct {
	*client
	name string
	csrf string
}

func (c *rightsCaller) byToken() []string {
	if c.token == "" {
		return []string{"X-Nothing: 1"}
	}
	return []string{"Authorization: Bearer " + c.token}
}

func (c *rightsCaller) byCookie() []string {
	return []string{"Cookie: atelier_access=" + c.token, "X-CSRF-Token: " + c.csrf}
}

func newRightsWorld(t *testing.T, p *program) *rightsWorld {
	hash, err := password.NewHasher(password.DefaultParams(), 1, 1).Hash(t.Context(), goodPassword)
	require.NoError(t, err)
	w := &rightsWorld{t: t, p: p, base: p.client(t), hash: hash, fixed: map[string]*rightsCaller{}, objects: map[string]func(*rightsCaller) string{}}
	w.ops = rightsOps(t, readDocument(t, p))
	for _, name := range callerNames() {
		w.fixed[name] = w.spare(name)
	}
	w.bar()
	return w
}

// as is the Meta of a command by somebody.
func (w *rightsWorld) as(user string, roles ...string) *messages.Meta {
	return &messages.Meta{Principal: user, CommandId: "m:" + uuid.NewString(), Roles: roles}
}

// spare is another one of a kind: with the kind's role in the installation, and signed
// in.
func (w *rightsWorld) spare(name string) *rightsCaller {
	if name == "nobody" {
		return &rightsCaller{client: w.base, name: name}
	}
	var roles []string
	switch {
	case name == "administrator", isBarred(name):
		roles = []string{"admin"}
	case slices.Contains(lookAfter, name):
		roles = []string{name}
	}
	return w.signedIn(name, w.newUser(true, roles...))
}

func (w *rightsWorld) newUser(active bool, roles ...string) *messages.Account {
	c := &messages.RegisterAccount{
		Meta: w.as(""), UserId: uuid.Must(uuid.NewV7()).String(), Email: fmt.Sprintf("rights-%d@example.com", people.Add(1)), Name: "Somebody",
		PasswordHash: w.hash, Activate: active, Roles: roles,
	}
	if !active {
		c.LinkId = uuid.Must(uuid.NewV7()).String()
	}
	account, err := w.p.clients.accounts.RegisterAccount(w.t.Context(), c)
	require.NoError(w.t, err)
	return account
}

func (w *rightsWorld) signedIn(name string, account *messages.Account) *rightsCaller {
	c := *w.base
	c.user, c.email = account.GetId(), account.GetEmail()
	c.session, c.token, c.refresh = w.open(account)
	made := &rightsCaller{client: &c, name: name}
	made.csrf = c.nobody().get("/auth/session", "Cookie: atelier_access="+c.token).want(w.t, 200).text("csrf_token")
	return made
}

// open opens a session.
func (w *rightsWorld) open(account *messages.Account) (id, access, refresh string) {
	session, err := w.p.clients.accounts.OpenSession(w.t.Context(), &messages.OpenSession{
		Meta: w.as(account.GetId()), UserId: account.GetId(), SessionId: uuid.Must(uuid.NewV7()).String(),
		CredentialVersion: account.GetCredentialVersion(), Ip: "127.0.0.1", Amr: []string{"pwd"}, LifetimeUs: time.Hour.Microseconds(),
	})
	require.NoError(w.t, err)
	access, _, err = w.p.mint.MintAccess(account.GetId(), session.GetId())
	require.NoError(w.t, err)
	refresh, err = w.p.mint.MintRefresh(session.GetId(), 0, messages.Time(session.GetCreatedAt()))
	require.NoError(w.t, err)
	return session.GetId(), access, refresh
}

// bar takes away from the barred that they may ask at all; their tokens are genuine.
func (w *rightsWorld) bar() {
	w.move("suspended", w.fixed["suspended"].user)
	w.move("inactive", w.fixed["deactivated"].user)
	w.move("deleted", w.fixed["deleted"].user)
	out := w.fixed["signed out"]
	out.nobody().post("/auth/logout", nil, out.byToken()...).want(w.t, 204)
}

// move brings a user into a status.
func (w *rightsWorld) move(status, user string) {
	ctx, accounts, root := w.t.Context(), w.p.clients.accounts, w.as("", "admin")
	var err error
	switch status {
	case "suspended":
		_, err = accounts.SuspendUser(ctx, &messages.SuspendUser{Meta: root, UserId: user, Reason: "x"})
	case "inactive":
		_, err = accounts.DeactivateUser(ctx, &messages.DeactivateUser{Meta: root, UserId: user})
	case "deleted":
		_, err = accounts.DeleteAccount(ctx, &messages.DeleteAccount{Meta: root, UserId: user})
	}
	require.NoError(w.t, err)
}

// caller is the fixed one, or another where the operation changes who asks.
func (w *rightsWorld) caller(a *asked, name string) *rightsCaller {
	fresh := a.op.fresh || a.object == "oneself" && a.op.method != "GET"
	if !fresh || name == "nobody" || isBarred(name) {
		return w.fixed[name]
	}
	c := w.spare(name)
	if name == "owner" {
		w.newProjectOf(c.user)
	}
	return c
}

// rightsProject is a project with everybody in it.
type rightsProject struct {
	id, invitation string
	member         string // a viewer whom nobody asks as
}

func (w *rightsWorld) newProjectOf(owner string) string {
	project, err := w.p.clients.projects.CreateProject(w.t.Context(), &messages.CreateProject{
		Meta: w.as(owner), ProjectId: uuid.Must(uuid.NewV7()).String(), Name: "Harbour",
	})
	require.NoError(w.t, err)
	return project.GetId()
}

// newProject is in a state: draft, active, public, archived or deleted. With waiting
// it has been offered, and somebody is invited.
func (w *rightsWorld) newProject(state string, waiting bool) *rightsProject {
	ctx, projects, owner := w.t.Context(), w.p.clients.projects, w.fixed["owner"].user
	p := &rightsProject{id: w.newProjectOf(owner), invitation: uuid.Must(uuid.NewV7()).String(), member: w.userIn("member")(nil)}
	done := func(err error) { require.NoError(w.t, err) }
	add := func(user, role string) {
		_, err := projects.AddCollaborator(ctx, &messages.AddCollaborator{Meta: w.as(owner), ProjectId: p.id, UserId: user, Role: role})
		done(err)
	}
	for _, role := range []string{"viewer", "commenter", "editor", "collaborator", "admin"} {
		add(w.fixed[role].user, role)
	}
	add(w.fixed["suspended"].user, "admin")
	add(p.member, "viewer")
	if waiting {
		_, err := projects.Invite(ctx, &messages.Invite{Meta: w.as(owner), ProjectId: p.id, InvitationId: p.invitation, Email: w.fixed["invited"].email, Role: "viewer"})
		done(err)
		_, err = projects.OfferOwnership(ctx, &messages.OfferOwnership{Meta: w.as(owner), ProjectId: p.id, UserId: w.fixed["offered"].user, Email: w.fixed["offered"].email})
		done(err)
	}
	w.bring(p.id, state)
	return p
}

// bring brings a draft into another state.
func (w *rightsWorld) bring(id, state string) {
	ctx, projects, owner := w.t.Context(), w.p.clients.projects, w.fixed["owner"].user
	done := func(err error) { require.NoError(w.t, err) }
	var err error
	switch state {
	case "public":
		public := true
		_, err = projects.UpdateProject(ctx, &messages.UpdateProject{Meta: w.as(owner), ProjectId: id, Settings: &messages.SettingsChange{Public: &public}})
	case "active", "archived":
		_, err = projects.ActivateProject(ctx, &messages.ActivateProject{Meta: w.as(owner), ProjectId: id})
		if done(err); state == "archived" {
			_, err = projects.ArchiveProject(ctx, &messages.ArchiveProject{Meta: w.as(owner), ProjectId: id})
		}
	case "deleted":
		_, err = projects.DeleteProject(ctx, &messages.DeleteProject{Meta: w.as(owner), ProjectId: id})
	}
	done(err)
}

// userIn is a user of that state, always the same one.
func (w *rightsWorld) userIn(state string) func(*rightsCaller) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.objects[state] == nil {
		w.objects[state] = w.newUserIn(state)
	}
	return w.objects[state]
}

// newUserIn makes a user of that state, who may be whoever asks.
func (w *rightsWorld) newUserIn(state string) func(*rightsCaller) string {
	switch state {
	case "oneself":
		return func(c *rightsCaller) string {
			if c == nil || c.user == "" {
				return uuid.NewString()
			}
			return c.user
		}
	case "unknown":
		return func(*rightsCaller) string { return uuid.NewString() }
	case "malformed":
		return func(*rightsCaller) string { return "0190a000-0000-7000-8000-00000000000g" }
	}
	user := w.newUser(state != "pending").GetId()
	if state == "owning" {
		w.newProjectOf(user)
	}
	w.move(state, user)
	return func(*rightsCaller) string { return user }
}
