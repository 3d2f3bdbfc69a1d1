package actors

import (
	"context"
	"time"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// Projects asks project entities.
type Projects struct{ caller Caller }

// NewProjects makes the client of project entities.
func NewProjects(c Caller) *Projects { return &Projects{c} }

// CreateProject starts a project under the command's id.
func (p *Projects) CreateProject(ctx context.Context, c *messages.CreateProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// UpdateProject changes name, description and settings.
func (p *Projects) UpdateProject(ctx context.Context, c *messages.UpdateProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// ActivateProject moves a draft to active.
func (p *Projects) ActivateProject(ctx context.Context, c *messages.ActivateProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// ArchiveProject makes an active project read-only.
func (p *Projects) ArchiveProject(ctx context.Context, c *messages.ArchiveProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// RestoreProject makes an archived project active again.
func (p *Projects) RestoreProject(ctx context.Context, c *messages.RestoreProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// DeleteProject removes the project with its memberships.
func (p *Projects) DeleteProject(ctx context.Context, c *messages.DeleteProject) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// AddCollaborator lets a user in.
func (p *Projects) AddCollaborator(ctx context.Context, c *messages.AddCollaborator) (*messages.Collaborator, error) {
	return ask[*messages.Collaborator](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// ChangeRole gives a collaborator another role.
func (p *Projects) ChangeRole(ctx context.Context, c *messages.ChangeRole) (*messages.Collaborator, error) {
	return ask[*messages.Collaborator](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// RemoveCollaborator takes a collaborator out.
func (p *Projects) RemoveCollaborator(ctx context.Context, c *messages.RemoveCollaborator) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// Invite has an address mailed an invitation.
func (p *Projects) Invite(ctx context.Context, c *messages.Invite) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// ResendInvitation mails it again.
func (p *Projects) ResendInvitation(ctx context.Context, c *messages.ResendInvitation) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// RevokeInvitation takes it back.
func (p *Projects) RevokeInvitation(ctx context.Context, c *messages.RevokeInvitation) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// AcceptInvitation lets the invited in.
func (p *Projects) AcceptInvitation(ctx context.Context, c *messages.AcceptInvitation) (*messages.Collaborator, error) {
	return ask[*messages.Collaborator](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// DeclineInvitation ends it.
func (p *Projects) DeclineInvitation(ctx context.Context, c *messages.DeclineInvitation) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// GetInvitation reads one, for whoever has its link.
func (p *Projects) GetInvitation(ctx context.Context, c *messages.GetInvitation) (*messages.Invitation, error) {
	return ask[*messages.Invitation](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// ListInvitations reads those that wait.
func (p *Projects) ListInvitations(ctx context.Context, c *messages.ListInvitations) (*messages.Invitations, error) {
	return ask[*messages.Invitations](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// OfferOwnership offers the project to another user.
func (p *Projects) OfferOwnership(ctx context.Context, c *messages.OfferOwnership) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// AcceptOwnership makes the caller the owner.
func (p *Projects) AcceptOwnership(ctx context.Context, c *messages.AcceptOwnership) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// DeclineOwnership ends the offer.
func (p *Projects) DeclineOwnership(ctx context.Context, c *messages.DeclineOwnership) (*messages.Done, error) {
	return ask[*messages.Done](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// GetProject reads the project.
func (p *Projects) GetProject(ctx context.Context, c *messages.GetProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// GetPermissions tells the rights of a user, and why.
func (p *Projects) GetPermissions(ctx context.Context, c *messages.GetPermissions) (*messages.Permissions, error) {
	return ask[*messages.Permissions](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

// AddProjects makes the runtime a home of project entities.
func AddProjects(r *Runtime, claimer store.Claimer[*project.State]) {
	r.Add(newKind(r, spec[*project.State]{
		name: store.Project, claimer: claimer, empty: func() *project.State { return &project.State{} },
		stream: project.Stream, changes: project.Changes, receive: receiveProject,
		creates: func(c messages.Command) bool { _, ok := c.(*messages.CreateProject); return ok },
	}))
}

func receiveProject(t turn[*project.State], c messages.Command) {
	switch c := c.(type) {
	case *messages.CreateProject:
		write(t, c, project.Create, resource)
	case *messages.UpdateProject:
		write(t, c, project.Update, resource)
	case *messages.ActivateProject:
		write(t, c, project.Activate, resource)
	case *messages.ArchiveProject:
		write(t, c, project.ArchiveActive, resource)
	case *messages.RestoreProject:
		write(t, c, project.Restore, resource)
	case *messages.DeleteProject:
		write(t, c, project.Remove, done)
	case *messages.AddCollaborator:
		write(t, c, project.AddCollaborator, project.Added)
	case *messages.ChangeRole:
		write(t, c, project.ChangeRole, project.Changed)
	case *messages.RemoveCollaborator:
		write(t, c, project.RemoveCollaborator, done)
	case *messages.Invite:
		write(t, c, project.Invite, done)
	case *messages.ResendInvitation:
		write(t, c, project.ResendInvitation, done)
	case *messages.RevokeInvitation:
		write(t, c, project.RevokeInvitation, done)
	case *messages.AcceptInvitation:
		write(t, c, project.AcceptInvitation, project.Accepted)
	case *messages.DeclineInvitation:
		write(t, c, project.DeclineInvitation, done)
	case *messages.GetInvitation:
		read(t, c, project.ViewInvitation)
	case *messages.ListInvitations:
		read(t, c, project.ViewInvitations)
	case *messages.OfferOwnership:
		write(t, c, project.OfferOwnership, resource)
	case *messages.AcceptOwnership:
		write(t, c, project.AcceptOwnership, resource)
	case *messages.DeclineOwnership:
		write(t, c, project.DeclineOwnership, done)
	case *messages.CreateDocument:
		write(t, c, project.CreateDocument, project.DocumentCreated)
	case *messages.RenameDocument:
		write(t, c, project.RenameDocument, project.DocumentRenamed)
	case *messages.DeleteDocument:
		write(t, c, project.DeleteDocument, done)
	case *messages.CreateVersion:
		write(t, c, project.CreateVersion, project.VersionCreated)
	case *messages.RestoreDocument:
		write(t, c, project.RestoreDocument, done)
	case *messages.GetDocument:
		read(t, c, project.ViewDocument)
	case *messages.GetGrant:
		read(t, c, project.ViewGrant)
	case *messages.GetProject:
		read(t, c, project.View)
	case *messages.GetPermissions:
		read(t, c, func(s *project.State, c *messages.GetPermissions, _ time.Time) (*messages.Permissions, error) {
			return project.Permissions(s, c)
		})
	default:
		if !receiveNext(t, c) {
			t.unknown(c)
		}
	}
}

func resource[C messages.Command](s *project.State, _ C, _ time.Time) *messages.Project {
	return project.Resource(s)
}

func done[S any, C messages.Command](S, C, time.Time) *messages.Done { return &messages.Done{} }
