package project

import (
	"fmt"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Create starts a project as a draft owned by the caller.
func Create(s *State, c *messages.CreateProject, now time.Time) ([]messages.Event, error) {
	if s.Exists() {
		return nil, messages.Refuse(messages.CodeAlreadyExists, "the project exists already")
	}
	if caller(c) == "" {
		return nil, messages.Refuse(messages.CodeUnauthenticated, "sign in to create projects")
	}
	if err := checkTexts(&c.Name, &c.Description); err != nil {
		return nil, err
	}
	if err := checkSettings(c.GetSettings()); err != nil {
		return nil, err
	}
	settings := applySettings(DefaultSettings(), c.GetSettings())
	return []messages.Event{&messages.ProjectCreated{
		ProjectId: c.GetProjectId(), Name: c.GetName(), Description: proto.String(c.GetDescription()),
		OwnerId: string(caller(c)), Status: string(Draft), CreatedAt: messages.FormatTime(now),
		Settings: &messages.SettingsChange{
			Public: proto.Bool(settings.Public), MaxCollaborators: proto.Int32(int32(settings.MaxCollaborators)),
			AllowComments: proto.Bool(settings.AllowComments),
		},
	}}, nil
}

// Update changes name, description and settings. Fields that keep their value
// are left out of the events; a command that changes nothing decides nothing.
func Update(s *State, c *messages.UpdateProject, _ time.Time) ([]messages.Event, error) {
	if err := mayUpdate(s, c); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if err := checkTexts(c.Name, c.Description); err != nil {
		return nil, err
	}
	var events []messages.Event
	if texts := changedTexts(s, c); texts != nil {
		events = append(events, texts)
	}
	settings, err := changedSettings(s, c.GetSettings())
	if err != nil {
		return nil, err
	}
	if settings != nil {
		events = append(events, settings)
	}
	return events, nil
}

// mayUpdate asks for the rights that the fields of the command need: for all of them
// before it looks at the project's state. In an archived project only making it
// private stays possible.
func mayUpdate(s *State, c *messages.UpdateProject) error {
	if err := mayArchivedToo(s, c, Read); err != nil {
		return err
	}
	if c.Settings != nil {
		if err := mayArchivedToo(s, c, ManageSettings); err != nil {
			return err
		}
	}
	if c.Name != nil || c.Description != nil || c.Settings == nil {
		if err := may(s, c, EditProject); err != nil {
			return err
		}
	}
	set := c.GetSettings()
	if set == nil {
		return nil
	}
	if set.Public != nil && !set.GetPublic() && set.MaxCollaborators == nil && set.AllowComments == nil {
		return nil
	}
	return may(s, c, ManageSettings)
}

func changedTexts(s *State, c *messages.UpdateProject) *messages.ProjectUpdated {
	e := &messages.ProjectUpdated{}
	if c.Name != nil && c.GetName() != s.Name {
		e.Name = c.Name
	}
	if c.Description != nil && c.GetDescription() != s.Description {
		e.Description = c.Description
	}
	if e.Name == nil && e.Description == nil {
		return nil
	}
	return e
}

func changedSettings(s *State, c *messages.SettingsChange) (*messages.ProjectSettingsChanged, error) {
	if err := checkSettings(c); err != nil {
		return nil, err
	}
	after := applySettings(s.Settings, c)
	if after == s.Settings {
		return nil, nil
	}
	if after.MaxCollaborators != s.Settings.MaxCollaborators && after.MaxCollaborators < len(s.members) {
		return nil, messages.Refuse(messages.CodeCollaboratorLimitReached,
			"the project has %d collaborators, more than the new maximum of %d", len(s.members), after.MaxCollaborators)
	}
	e := &messages.ProjectSettingsChanged{}
	if after.Public != s.Settings.Public {
		e.Public = c.Public
	}
	if after.MaxCollaborators != s.Settings.MaxCollaborators {
		e.MaxCollaborators = c.MaxCollaborators
	}
	if after.AllowComments != s.Settings.AllowComments {
		e.AllowComments = c.AllowComments
	}
	return e, nil
}

// Activate moves a draft to active.
func Activate(s *State, c *messages.ActivateProject, _ time.Time) ([]messages.Event, error) {
	return move(s, c, Draft, &messages.ProjectActivated{Status: string(Active)})
}

// ArchiveActive moves an active project to archived.
func ArchiveActive(s *State, c *messages.ArchiveProject, _ time.Time) ([]messages.Event, error) {
	return move(s, c, Active, &messages.ProjectArchived{Status: string(Archived)})
}

// Restore moves an archived project to active.
func Restore(s *State, c *messages.RestoreProject, _ time.Time) ([]messages.Event, error) {
	return move(s, c, Archived, &messages.ProjectRestored{Status: string(Active)})
}

func move(s *State, c messages.Command, from Status, e messages.Event) ([]messages.Event, error) {
	if err := mayArchivedToo(s, c, Archive); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if s.Status != from {
		refusal := messages.Refuse(messages.CodeInvalidState, "a project that is %s cannot make this move; it can: %s", s.Status, nextMove(s.Status))
		refusal.Allowed = []string{nextMove(s.Status)}
		return nil, refusal
	}
	return []messages.Event{e}, nil
}

func nextMove(s Status) string {
	switch s {
	case Draft:
		return "activate"
	case Active:
		return "archive"
	case Archived:
		return "restore"
	default:
		return ""
	}
}

// Remove deletes the project with its memberships. Its log stays.
func Remove(s *State, c *messages.DeleteProject, _ time.Time) ([]messages.Event, error) {
	if err := mayArchivedToo(s, c, Delete); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	return []messages.Event{&messages.ProjectDeleted{ProjectId: string(s.ID)}}, nil
}

// expectVersion honours If-Match.
func expectVersion(s *State, c messages.Command) error {
	m := c.GetMeta()
	if m == nil || m.ExpectedVersion == nil || m.GetExpectedVersion() == s.Version {
		return nil
	}
	return messages.Refuse(messages.CodeVersionMismatch, "the project is at version %d, not %d", s.Version, m.GetExpectedVersion())
}

func checkTexts(name, description *string) error {
	if name != nil {
		if n := utf8.RuneCountInString(*name); n < 1 || n > MaxName {
			return messages.Invalid("/name", "out_of_range", "name must have 1 to %d characters", MaxName)
		}
	}
	if description != nil && utf8.RuneCountInString(*description) > MaxDescription {
		return messages.Invalid("/description", "out_of_range", "description must have at most %d characters", MaxDescription)
	}
	return nil
}

func checkSettings(c *messages.SettingsChange) error {
	if c != nil && c.MaxCollaborators != nil && (c.GetMaxCollaborators() < 0 || c.GetMaxCollaborators() > MaxCollaboratorLimit) {
		return messages.Invalid("/settings/max_collaborators", "out_of_range", "%s", fmt.Sprintf("max_collaborators must be 0 to %d", MaxCollaboratorLimit))
	}
	return nil
}
