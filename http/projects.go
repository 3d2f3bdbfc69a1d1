package http

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

type projects interface {
	CreateProject(context.Context, *messages.CreateProject) (*messages.Project, error)
	UpdateProject(context.Context, *messages.UpdateProject) (*messages.Project, error)
	ActivateProject(context.Context, *messages.ActivateProject) (*messages.Project, error)
	ArchiveProject(context.Context, *messages.ArchiveProject) (*messages.Project, error)
	RestoreProject(context.Context, *messages.RestoreProject) (*messages.Project, error)
	DeleteProject(context.Context, *messages.DeleteProject) (*messages.Done, error)
	AddCollaborator(context.Context, *messages.AddCollaborator) (*messages.Collaborator, error)
	ChangeRole(context.Context, *messages.ChangeRole) (*messages.Collaborator, error)
	GetProject(context.Context, *messages.GetProject) (*messages.Project, error)
	GetPermissions(context.Context, *messages.GetPermissions) (*messages.Permissions, error)
	RevokeInvitation(context.Context, *messages.RevokeInvitation) (*messages.Done, error)
	ListInvitations(context.Context, *messages.ListInvitations) (*messages.Invitations, error)
	AcceptOwnership(context.Context, *messages.AcceptOwnership) (*messages.Project, error)
	DeclineOwnership(context.Context, *messages.DeclineOwnership) (*messages.Done, error)
}

type queries interface {
	ListUsers(context.Context, *messages.UserQuery) (*messages.UserPage, error)
	ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error)
	ListMembers(context.Context, *messages.CollaboratorQuery, *messages.Project) (*messages.CollaboratorPage, error)
	ListEvents(context.Context, *messages.EventQuery) (*messages.EventPage, error)
	ListFeed(context.Context, *messages.FeedQuery) (*messages.FeedPage, error)
	ListSessions(context.Context, *messages.SessionQuery) (*messages.SessionPage, error)
	ListDocuments(context.Context, *messages.DocumentQuery) (*messages.DocumentPage, error)
	ListVersions(context.Context, *messages.VersionQuery) (*messages.VersionPage, error)
	DocumentProject(ctx context.Context, id string) (projectID string, err error)
	PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error)
}

type settingsInput struct {
	Public           *bool  `json:"public,omitempty" nullable:"false"`
	MaxCollaborators *int32 `json:"max_collaborators,omitempty" minimum:"0" maximum:"10000" nullable:"false"`
	AllowComments    *bool  `json:"allow_comments,omitempty" nullable:"false"`
}

func (s *settingsInput) change() *messages.SettingsChange {
	if s == nil {
		return nil
	}
	return &messages.SettingsChange{Public: s.Public, MaxCollaborators: s.MaxCollaborators, AllowComments: s.AllowComments}
}

type createProjectInput struct {
	Body struct {
		Name        string         `json:"name" minLength:"1" maxLength:"100"`
		Description string         `json:"description,omitempty" maxLength:"500"`
		Settings    *settingsInput `json:"settings,omitempty" nullable:"false"`
	}
}

func (s *Server) createProject(ctx context.Context, c *call, in *createProjectInput) (*result[projectBody], error) {
	p, err := s.deps.Projects.CreateProject(ctx, &messages.CreateProject{
		Meta: c.meta(), ProjectId: uuid.Must(uuid.NewV7()).String(), Name: in.Body.Name, Description: in.Body.Description, Settings: in.Body.Settings.change(),
	})
	if err != nil {
		return nil, err
	}
	r := projectResult(p)
	r.Location = "/projects/" + p.GetId()
	return r, nil
}

func projectResult(p *messages.Project) *result[projectBody] {
	return &result[projectBody]{Body: projectOf(p), Version: p.GetVersion(), Position: p.GetSeq()}
}

// projected is the answer of commands that reply with the project.
func projected(p *messages.Project, err error) (*result[projectBody], error) {
	if err != nil {
		return nil, err
	}
	return projectResult(p), nil
}

type projectInput struct {
	ProjectID string `path:"project_id" format:"uuid"`
}

func (s *Server) getProject(ctx context.Context, c *call, in *projectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.GetProject(ctx, &messages.GetProject{Meta: c.meta(), ProjectId: in.ProjectID}))
}

type updateProjectInput struct {
	projectInput
	Body struct {
		Name        *string        `json:"name,omitempty" minLength:"1" maxLength:"100" nullable:"false"`
		Description *string        `json:"description,omitempty" maxLength:"500" nullable:"false"`
		Settings    *settingsInput `json:"settings,omitempty" nullable:"false"`
	}
}

func (s *Server) updateProject(ctx context.Context, c *call, in *updateProjectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.UpdateProject(ctx, &messages.UpdateProject{
		Meta: c.meta(), ProjectId: in.ProjectID, Name: in.Body.Name, Description: in.Body.Description, Settings: in.Body.Settings.change(),
	}))
}

type replaceProjectInput struct {
	projectInput
	createProjectInput
}

// replaceProject sets every field; what the body leaves out gets its default.
func (s *Server) replaceProject(ctx context.Context, c *call, in *replaceProjectInput) (*result[projectBody], error) {
	settings := &messages.SettingsChange{Public: proto.Bool(false), MaxCollaborators: proto.Int32(10), AllowComments: proto.Bool(true)}
	proto.Merge(settings, in.Body.Settings.change())
	return projected(s.deps.Projects.UpdateProject(ctx, &messages.UpdateProject{
		Meta: c.meta(), ProjectId: in.ProjectID, Name: &in.Body.Name, Description: &in.Body.Description, Settings: settings,
	}))
}

func (s *Server) deleteProject(ctx context.Context, c *call, in *projectInput) (*result[none], error) {
	_, err := s.deps.Projects.DeleteProject(ctx, &messages.DeleteProject{Meta: c.meta(), ProjectId: in.ProjectID})
	return &result[none]{}, err
}

func (s *Server) activateProject(ctx context.Context, c *call, in *projectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.ActivateProject(ctx, &messages.ActivateProject{Meta: c.meta(), ProjectId: in.ProjectID}))
}

func (s *Server) archiveProject(ctx context.Context, c *call, in *projectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.ArchiveProject(ctx, &messages.ArchiveProject{Meta: c.meta(), ProjectId: in.ProjectID}))
}

func (s *Server) restoreProject(ctx context.Context, c *call, in *projectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.RestoreProject(ctx, &messages.RestoreProject{Meta: c.meta(), ProjectId: in.ProjectID}))
}

type listProjectsInput struct {
	list
	Status string `query:"status" enum:"draft,active,archived"`
	Role   string `query:"role" enum:"owner,viewer,commenter,editor,collaborator,admin" doc:"My role in the project."`
	Text   string `query:"q" maxLength:"100" doc:"Text in name or description."`
	Public *bool  `query:"public"`
	Sort   string `query:"sort" enum:"-created_at,-updated_at,name" doc:"-created_at by default."`
}

func (s *Server) listProjects(ctx context.Context, c *call, in *listProjectsInput) (*result[projectPage], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListProjects(ctx, &messages.ProjectQuery{
		UserId: c.userID(), Status: in.Status, Role: in.Role, Text: in.Text, Public: in.Public, Sort: in.Sort, Limit: in.limit(), After: after,
	})
	if err != nil {
		return nil, err
	}
	return ok(&projectPage{from: found.GetItems(), NextCursor: s.next(c, found.GetNext())})
}
