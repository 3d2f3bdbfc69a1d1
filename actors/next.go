//go:build next

package actors

import (
	"context"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// LabelProject gives the project a label.
func (p *Projects) LabelProject(ctx context.Context, c *messages.LabelProject) (*messages.Project, error) {
	return ask[*messages.Project](ctx, p.caller, store.Project, c.GetProjectId(), c)
}

func receiveNext(t turn[*project.State], c messages.Command) (known bool) {
	label, known := c.(*messages.LabelProject)
	if known {
		write(t, label, project.Label, resource)
	}
	return known
}
