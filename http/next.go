//go:build next

package http

import (
	"context"

	"atelier/messages"
)

func (s *Server) tableNext() {
	add(s, operation{ID: "labelProject", Method: "PUT", Path: "/projects/{project_id}/label", Summary: "Give the project a label", Permission: projectEdit, Status: 200, ETag: true,
		Codes: []string{messages.CodeNotFound, messages.CodeForbidden, messages.CodeInvalidState}}, s.labelProject)
}

type labelProjectInput struct {
	projectInput
	Body struct {
		Label string `json:"label" maxLength:"100"`
	}
}

func (s *Server) labelProject(ctx context.Context, c *call, in *labelProjectInput) (*result[projectBody], error) {
	projects := s.deps.Projects.(interface {
		LabelProject(context.Context, *messages.LabelProject) (*messages.Project, error)
	})
	return projected(projects.LabelProject(ctx, &messages.LabelProject{Meta: c.meta(), ProjectId: in.ProjectID, Label: in.Body.Label}))
}
