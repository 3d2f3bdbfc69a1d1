//go:build next

package project

import (
	"time"

	"atelier/messages"
)

// Label gives the project a label. Only the log has it.
func Label(s *State, c *messages.LabelProject, _ time.Time) ([]messages.Event, error) {
	if err := may(s, c, EditProject); err != nil {
		return nil, err
	}
	return []messages.Event{&messages.ProjectLabelled{Label: c.GetLabel()}}, nil
}
