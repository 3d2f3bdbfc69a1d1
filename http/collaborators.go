package http

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"atelier/messages"
)

type listCollaboratorsInput struct {
	projectInput
	list
}

func (s *Server) listCollaborators(ctx context.Context, c *call, in *listCollaboratorsInput) (*result[page[collaboratorBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	shown, err := s.mayRead(ctx, c, in.ProjectID)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListMembers(ctx, &messages.CollaboratorQuery{ProjectId: in.ProjectID, Limit: in.limit(), After: after}, shown)
	if err != nil {
		return nil, err
	}
	items := make([]collaboratorBody, 0, len(found.GetItems()))
	for _, m := range found.GetItems() {
		items = append(items, collaboratorOf(m))
	}
	return ok(&page[collaboratorBody]{Items: items, NextCursor: s.next(c, found.GetNext())})
}

// mayRead asks the project whether the caller may see what belongs to it, and what it
// shows him of itself.
func (s *Server) mayRead(ctx context.Context, c *call, projectID string) (*messages.Project, error) {
	return s.deps.Projects.GetProject(ctx, &messages.GetProject{Meta: c.meta(), ProjectId: projectID})
}

type addCollaboratorInput struct {
	projectInput
	Body struct {
		UserID idText `json:"user_id" format:"uuid"`
		Role   string `json:"role,omitempty" enum:"viewer,commenter,editor,collaborator,admin"`
	}
}

func (s *Server) addCollaborator(ctx context.Context, c *call, in *addCollaboratorInput) (*result[collaboratorBody], error) {
	id := string(in.Body.UserID)
	user, err := s.lookUp(ctx, id)
	if err != nil {
		return nil, err
	}
	if user == nil { // nobody, or deleted, with his row still there: refused once the project has had its say
		id = uuid.Nil.String()
	}
	r, err := collaborated(s.deps.Projects.AddCollaborator(ctx, &messages.AddCollaborator{
		Meta: c.meta(), ProjectId: in.ProjectID, UserId: id, Role: in.Body.Role, User: user,
	}))
	if err == nil {
		r.Location = "/projects/" + in.ProjectID + "/collaborators/" + id
	}
	return r, err
}

// idText is an id in a body, in canonical form whatever its letters' case.
type idText string

func (t *idText) set(value any) { *t = idText(strings.ToLower(value.(string))) }

// lookUp is what everyone may see of a user; nil where there is none. It comes
// before the command: once that is carried out nothing may fail the reply.
func (s *Server) lookUp(ctx context.Context, id string) (*messages.PublicUser, error) {
	users, err := s.deps.Queries.PublicUsers(ctx, []string{id})
	return users[id], err
}

func collaborated(m *messages.Collaborator, err error) (*result[collaboratorBody], error) {
	if err != nil {
		return nil, err
	}
	body := collaboratorOf(m)
	return &result[collaboratorBody]{Body: &body, Version: m.GetVersion()}, nil
}

type memberInput struct {
	projectInput
	UserID string `path:"user_id" format:"uuid" doc:"A user's id, or me."`
}

func (in *memberInput) user(c *call) string {
	if in.UserID == "me" {
		return c.userID()
	}
	return in.UserID
}

type changeRoleInput struct {
	memberInput
	Body struct {
		Role string `json:"role" enum:"viewer,commenter,editor,collaborator,admin"`
	}
}

func (s *Server) changeRole(ctx context.Context, c *call, in *changeRoleInput) (*result[collaboratorBody], error) {
	user, err := s.lookUp(ctx, in.user(c))
	if err != nil {
		return nil, err
	}
	return collaborated(s.deps.Projects.ChangeRole(ctx, &messages.ChangeRole{
		Meta: c.meta(), ProjectId: in.ProjectID, UserId: in.user(c), Role: in.Body.Role, User: user,
	}))
}

func (s *Server) removeCollaborator(ctx context.Context, c *call, in *memberInput) (*result[none], error) {
	return &result[none]{}, s.deps.Flows.RemoveCollaborator(ctx, c.meta(), in.ProjectID, in.user(c))
}

type permissionsInput struct {
	projectInput
	User    string `query:"user" format:"uuid" doc:"Whose rights; mine by default. Others' need the right to manage members."`
	Explain bool   `query:"explain" doc:"Say why."`
}

type rightBody struct {
	Right   string `json:"right"`
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"`
}

type permissionsBody struct {
	ProjectID string      `json:"project_id" format:"uuid"`
	UserID    string      `json:"user_id"`
	Role      string      `json:"role" doc:"owner, a collaborator's role, public, or empty"`
	Rights    []rightBody `json:"rights" nullable:"false"`
}

func (s *Server) getPermissions(ctx context.Context, c *call, in *permissionsInput) (*result[permissionsBody], error) {
	p, err := s.deps.Projects.GetPermissions(ctx, &messages.GetPermissions{Meta: c.meta(), ProjectId: in.ProjectID, UserId: in.User, Explain: in.Explain})
	if err != nil {
		return nil, err
	}
	body := &permissionsBody{ProjectID: p.GetProjectId(), UserID: p.GetUserId(), Role: p.GetRole(), Rights: []rightBody{}}
	for _, r := range p.GetRights() {
		body.Rights = append(body.Rights, rightBody{Right: r.GetRight(), Allowed: r.GetAllowed(), Reason: r.GetReason()})
	}
	return ok(body)
}
