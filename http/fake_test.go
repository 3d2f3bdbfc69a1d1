package http

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"atelier/identity"
	"atelier/messages"
)

// The edge alone, over answers that are always the same. What it does with real
// entities and a real database is shown in cmd/atelier.

const (
	someProject = "0190a000-0000-7000-8000-000000000001"
	someUser    = "0190a000-0000-7000-8000-000000000002"
	someSession = "0190a000-0000-7000-8000-000000000003"
	someLog     = "0190a000-0000-7000-8000-000000000004"
	goodToken   = "good"
	adminToken  = "admin"
)

func fakeProject() *messages.Project {
	return &messages.Project{
		Id: someProject, Name: "Harbour", Description: "a quiet one", OwnerId: someUser, Status: "draft",
		Settings: &messages.Settings{MaxCollaborators: 10, AllowComments: true}, CollaboratorCount: 2, Collaborators: []string{someUser, someSession},
		Version: 3, Seq: 4, CreatedAt: 1_782_000_000_000_000, UpdatedAt: 1_782_000_000_123_456,
	}
}

func fakeAccount() *messages.Account {
	return &messages.Account{
		Id: someUser, Email: "ada@example.com", Name: "Ada", Status: "active", Roles: []string{"user"}, Profile: &messages.Profile{},
		CreatedAt: 1_782_000_000_000_000, UpdatedAt: 1_782_000_000_123_456, Version: 2,
	}
}

type fakeFlows struct{ flows }

func (fakeFlows) Register(context.Context, *messages.Meta, identity.Registration) (*messages.Account, error) {
	return fakeAccount(), nil
}

func (fakeFlows) SignIn(context.Context, *messages.Meta, identity.Credentials) (*identity.Tokens, error) {
	return &identity.Tokens{AccessToken: goodToken, RefreshToken: "r", SessionID: someSession, Account: fakeAccount()}, nil
}

func (f fakeFlows) Refresh(ctx context.Context, _ *messages.Meta, _, _, _ string) (*identity.Tokens, error) {
	return f.SignIn(ctx, nil, identity.Credentials{})
}

func (fakeFlows) SignOut(context.Context, *messages.Meta) error { return nil }

func (fakeFlows) ChangePassword(context.Context, *messages.Meta, string, string) error { return nil }

func (fakeFlows) Authenticate(_ context.Context, token string) (*identity.Principal, error) {
	if token == adminToken {
		return &identity.Principal{UserID: someUser, SessionID: someSession, Roles: []string{"user", "admin"}}, nil
	}
	if token != goodToken {
		return nil, messages.Refuse(messages.CodeInvalidToken, "the token is not valid")
	}
	return &identity.Principal{UserID: someUser, SessionID: someSession, Roles: []string{"user"}}, nil
}

func (fakeFlows) Standing(_ context.Context, user, session string) (*identity.Principal, error) {
	return &identity.Principal{UserID: user, SessionID: session, Roles: []string{"user"}}, nil
}

type fakeAccounts struct{ accounts }

func (fakeAccounts) GetAccount(context.Context, *messages.GetAccount) (*messages.Account, error) {
	return fakeAccount(), nil
}

func (fakeAccounts) UpdateAccount(context.Context, *messages.UpdateAccount) (*messages.Account, error) {
	return fakeAccount(), nil
}

func (fakeAccounts) UpdatePreferences(context.Context, *messages.UpdatePreferences) (*messages.Preferences, error) {
	return &messages.Preferences{Json: []byte(`{}`), Version: 2}, nil
}

type fakeProjects struct {
	projects
	get func() (*messages.Project, error) // what GetProject answers
}

func (fakeProjects) CreateProject(context.Context, *messages.CreateProject) (*messages.Project, error) {
	return fakeProject(), nil
}

func (fakeProjects) UpdateProject(context.Context, *messages.UpdateProject) (*messages.Project, error) {
	return fakeProject(), nil
}

func (f fakeProjects) GetProject(context.Context, *messages.GetProject) (*messages.Project, error) {
	if f.get != nil {
		return f.get()
	}
	return fakeProject(), nil
}

func (fakeProjects) AddCollaborator(context.Context, *messages.AddCollaborator) (*messages.Collaborator, error) {
	return &messages.Collaborator{ProjectId: someProject, UserId: someUser, Role: "viewer", AddedAt: 1, Version: 4}, nil
}

func (fakeProjects) ChangeRole(context.Context, *messages.ChangeRole) (*messages.Collaborator, error) {
	return &messages.Collaborator{ProjectId: someProject, UserId: someUser, Role: "viewer", AddedAt: 1, Version: 4}, nil
}

type fakeQueries struct{ queries }

func (fakeQueries) PublicUsers(context.Context, []string) (map[string]*messages.PublicUser, error) {
	return map[string]*messages.PublicUser{someUser: {Id: someUser, Name: "Ada"}}, nil
}

func (fakeQueries) ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error) {
	return &messages.ProjectPage{Items: []*messages.Project{fakeProject()}}, nil
}

type fakeLive struct{ liveHub }

func (fakeLive) Presence(context.Context, string) ([]messages.Present, error) {
	return []messages.Present{{UserID: someUser, Name: "Ada", State: []byte(`{"x":1}`)}, {UserID: someSession, Name: "Ben"}}, nil
}

func fakeServer() *Server {
	return New(Config{PublicURL: "http://atelier.test", CursorKey: make([]byte, 32), LogID: someLog, MaxInFlight: 100}, Deps{
		Flows: fakeFlows{}, Accounts: fakeAccounts{}, Projects: fakeProjects{}, Live: fakeLive{}, Queries: fakeQueries{},
		Judge: func(string) (int, bool, []string) { return 0, true, nil },
		JWKS:  func() []byte { return []byte(`{"keys":[]}`) }, Ready: func(context.Context) []string { return nil }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
}

// ask sends a request through the whole edge. Headers are name, value, name, …
func (s *Server) ask(method, path, body string, headers ...string) *fasthttp.Response {
	request := &fasthttp.Request{}
	request.Header.SetMethod(method)
	request.SetRequestURI(path)
	if body != "" {
		request.SetBodyString(body)
		request.Header.SetContentType("application/json")
	}
	request.Header.Set("Authorization", "Bearer "+goodToken)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return s.serve(request)
}

func (s *Server) serve(request *fasthttp.Request) *fasthttp.Response {
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	s.app.Handler()(ctx)
	response := &fasthttp.Response{}
	ctx.Response.CopyTo(response)
	return response
}

func TestTheFakesAnswer(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	for path, want := range map[string]int{"/projects/" + someProject: 200, "/projects": 200, "/users/me": 200} {
		if got := s.ask("GET", base+path, "").StatusCode(); got != want {
			t.Errorf("GET %s: %d", path, got)
		}
	}
}

func (fakeFlows) Invitation(context.Context, *messages.Meta, string) (*messages.Invitation, error) {
	return nil, messages.Missing("invitation")
}

func (fakeFlows) AcceptInvitation(context.Context, *messages.Meta, string) (*messages.Collaborator, error) {
	return nil, messages.Missing("invitation")
}

func (fakeFlows) DeclineInvitation(context.Context, *messages.Meta, string) error {
	return messages.Missing("invitation")
}
