package project

import (
	"time"

	"atelier/messages"
)

// View is the project resource, as its readers see it.
func View(s *State, c *messages.GetProject, _ time.Time) (*messages.Project, error) {
	if err := mayArchivedToo(s, c, Read); err != nil {
		return nil, err
	}
	return Resource(s), nil
}

// Resource renders the project.
func Resource(s *State) *messages.Project {
	p := &messages.Project{
		Id: string(s.ID), Name: s.Name, Description: s.Description, OwnerId: string(s.Owner), Status: string(s.Status),
		Settings: &messages.Settings{
			Public: s.Settings.Public, MaxCollaborators: int32(s.Settings.MaxCollaborators), AllowComments: s.Settings.AllowComments,
		},
		CollaboratorCount: int32(len(s.members)), Version: s.Version, Seq: s.Seq,
		CreatedAt: messages.Micros(s.CreatedAt), UpdatedAt: messages.Micros(s.UpdatedAt),
	}
	if shown := min(len(s.members), ShownCollaborators); shown > 0 {
		p.Collaborators = make([]string, shown)
		for i := range shown {
			p.Collaborators[i] = string(s.members[i].User)
		}
	}
	return p
}

// Added is the reply of AddCollaborator.
func Added(s *State, c *messages.AddCollaborator, _ time.Time) *messages.Collaborator {
	m, _ := s.Member(messages.UserID(c.GetUserId()))
	return withUser(collaborator(s, m), c.GetUser())
}

// Changed is the reply of ChangeRole.
func Changed(s *State, c *messages.ChangeRole, _ time.Time) *messages.Collaborator {
	m, _ := s.Member(messages.UserID(c.GetUserId()))
	return withUser(collaborator(s, m), c.GetUser())
}

// withUser completes a reply with what the command brought along of the user, so
// that it is stored with it and repeated as it was.
func withUser(m *messages.Collaborator, u *messages.PublicUser) *messages.Collaborator {
	m.User = u
	return m
}

func collaborator(s *State, m Member) *messages.Collaborator {
	return &messages.Collaborator{
		ProjectId: string(s.ID), UserId: string(m.User), Role: string(m.Role), AddedAt: messages.Micros(m.AddedAt),
		AddedBy: string(m.AddedBy), Version: s.Version,
	}
}
