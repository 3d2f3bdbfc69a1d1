package messages

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
)

// Event is something that happened. Its JSON form, by field name and without
// the fields marked secret, is what the log, the broker and clients see.
type Event interface {
	proto.Message
	EventType() string
}

// Stamp is what the runtime knows of an event beside its content.
type Stamp struct {
	At      time.Time // database time, cut to microseconds
	Version int64     // of the aggregate once the event is applied
	Seq     int64     // position in the stream; 0 for aggregates without one
}

func (*UserCreated) EventType() string                { return "user.created" }
func (*UserActivated) EventType() string              { return "user.activated" }
func (*UserSuspended) EventType() string              { return "user.suspended" }
func (*UserReactivated) EventType() string            { return "user.reactivated" }
func (*UserDeactivated) EventType() string            { return "user.deactivated" }
func (*UserDeleted) EventType() string                { return "user.deleted" }
func (*UserUpdated) EventType() string                { return "user.updated" }
func (*UserPasswordChanged) EventType() string        { return "user.password_changed" }
func (*UserEmailChanged) EventType() string           { return "user.email_changed" }
func (*SessionOpened) EventType() string              { return "session.opened" }
func (*SessionEnded) EventType() string               { return "session.ended" }
func (*SessionReuseDetected) EventType() string       { return "session.reuse_detected" }
func (*SessionRefreshed) EventType() string           { return "session.refreshed" }
func (*SessionSteppedUp) EventType() string           { return "session.stepped_up" }
func (*LinkIssued) EventType() string                 { return "link.issued" }
func (*EmailChangeBegun) EventType() string           { return "email_change.begun" }
func (*EmailConfirmed) EventType() string             { return "email_change.confirmed" }
func (*MailQueued) EventType() string                 { return "mail.queued" }
func (*ProjectCreated) EventType() string             { return "project.created" }
func (*ProjectUpdated) EventType() string             { return "project.updated" }
func (*ProjectSettingsChanged) EventType() string     { return "project.settings_changed" }
func (*ProjectActivated) EventType() string           { return "project.activated" }
func (*ProjectArchived) EventType() string            { return "project.archived" }
func (*ProjectRestored) EventType() string            { return "project.restored" }
func (*ProjectDeleted) EventType() string             { return "project.deleted" }
func (*ProjectCollaboratorAdded) EventType() string   { return "project.collaborator_added" }
func (*ProjectCollaboratorRemoved) EventType() string { return "project.collaborator_removed" }
func (*ProjectRoleChanged) EventType() string         { return "project.role_changed" }
func (*ProjectInvitationCreated) EventType() string   { return "project.invitation_created" }
func (*ProjectInvitationAccepted) EventType() string  { return "project.invitation_accepted" }
func (*ProjectInvitationDeclined) EventType() string  { return "project.invitation_declined" }
func (*ProjectInvitationRevoked) EventType() string   { return "project.invitation_revoked" }
func (*ProjectOwnershipOffered) EventType() string    { return "project.ownership_offered" }
func (*ProjectOwnershipDeclined) EventType() string   { return "project.ownership_declined" }
func (*ProjectOwnershipTransferred) EventType() string {
	return "project.ownership_transferred"
}

func (*DocumentCreated) EventType() string        { return "document.created" }
func (*DocumentRenamed) EventType() string        { return "document.renamed" }
func (*DocumentDeleted) EventType() string        { return "document.deleted" }
func (*DocumentVersionCreated) EventType() string { return "document.version_created" }
func (*DocumentRestored) EventType() string       { return "document.restored" }
func (*DocumentUpdated) EventType() string        { return "document.updated" }
func (*DocumentFolded) EventType() string         { return "document.folded" }

// Logged reports whether an event belongs in the log. A session's own changes
// stay inside the aggregate: its stream is the user's, which the account writes.
// So do one-time links, and mails are rows of their own. What is written into a
// document is in the document's own log.
func Logged(e Event) bool {
	switch e.(type) {
	case *SessionRefreshed, *SessionSteppedUp, *LinkIssued, *EmailChangeBegun, *EmailConfirmed, *MailQueued, *DocumentUpdated, *DocumentFolded:
		return false
	}
	return true
}

// RaisesVersion reports whether an event changes the resource that clients see
// under a version. Sessions are not part of the user resource; a session's own
// changes are of its own.
func RaisesVersion(e Event) bool {
	switch e.(type) {
	case *SessionRefreshed, *SessionSteppedUp, *DocumentUpdated:
		return true
	}
	return Logged(e) && !strings.HasPrefix(e.EventType(), "session.")
}

// EventData is the JSON form of an event, without its secrets.
func EventData(e Event) ([]byte, error) {
	switch e := e.(type) {
	case *ProjectCreated:
		return e.render(), nil
	case *ProjectCollaboratorAdded:
		return newObject().text("user_id", e.UserId).text("role", e.Role).text("added_by", e.AddedBy).end(), nil
	case *ProjectCollaboratorRemoved:
		return newObject().text("user_id", e.UserId).text("role", e.Role).end(), nil
	case *UserCreated:
		public := proto.CloneOf(e)
		public.TypedEmail, public.PasswordHash = "", ""
		return json.Marshal(public)
	case *UserPasswordChanged:
		return json.Marshal(&UserPasswordChanged{UserId: e.UserId, ByLink: e.ByLink})
	case *UserEmailChanged:
		return json.Marshal(&UserEmailChanged{UserId: e.UserId, Email: e.Email})
	case *ProjectInvitationCreated:
		public := proto.CloneOf(e)
		public.Email, public.TypedEmail = "", ""
		return json.Marshal(public)
	case *UserUpdated:
		if e.Preferences != nil {
			o := newObject().text("user_id", e.GetUserId()).name("preferences")
			return append(append(o, e.GetPreferences()...), '}'), nil // in the bytes that the account has them in
		}
	}
	return json.Marshal(e)
}

// render is the JSON form.
func (e *ProjectCreated) render() []byte {
	o := newObject().text("project_id", e.GetProjectId()).text("name", e.GetName())
	if e.Description != nil {
		o = AppendText(o.name("description"), e.GetDescription())
	}
	o = o.text("owner_id", e.GetOwnerId()).text("status", e.GetStatus())
	if s := e.GetSettings(); s != nil {
		inner := newObject().flag("public", s.Public)
		if s.MaxCollaborators != nil {
			inner = strconv.AppendInt(inner.name("max_collaborators"), int64(s.GetMaxCollaborators()), 10)
		}
		o = append(o.name("settings"), inner.flag("allow_comments", s.AllowComments).end()...)
	}
	return o.text("created_at", e.GetCreatedAt()).end()
}

// ParseEvent is the inverse of EventData; secrets come back empty.
func ParseEvent(kind string, data []byte) (Event, error) {
	if kind == "user.updated" {
		return parseUserUpdated(data)
	}
	for _, known := range loggedEvents() {
		if known.EventType() != kind {
			continue
		}
		e := reflect.New(reflect.TypeOf(known).Elem()).Interface().(Event)
		if err := json.Unmarshal(data, e); err != nil {
			return nil, fmt.Errorf("event %s: %w", kind, err)
		}
		return e, nil
	}
	return nil, fmt.Errorf("event type %q is not known", kind)
}

func parseUserUpdated(data []byte) (Event, error) {
	var fields struct {
		UserID      string          `json:"user_id"`
		Name        *string         `json:"name"`
		Profile     *ProfileChange  `json:"profile"`
		Roles       []string        `json:"roles"`
		Preferences json.RawMessage `json:"preferences"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("event user.updated: %w", err)
	}
	e := &UserUpdated{UserId: fields.UserID, Name: fields.Name, Profile: fields.Profile, Roles: fields.Roles}
	if fields.Preferences != nil {
		e.Preferences = proto.String(string(fields.Preferences))
	}
	return e, nil
}

func loggedEvents() []Event {
	return []Event{
		&UserCreated{}, &UserActivated{}, &UserSuspended{}, &UserReactivated{}, &UserDeactivated{}, &UserDeleted{}, &UserUpdated{},
		&UserPasswordChanged{}, &UserEmailChanged{}, &SessionOpened{}, &SessionEnded{}, &SessionReuseDetected{},
		&ProjectCreated{}, &ProjectUpdated{}, &ProjectSettingsChanged{}, &ProjectActivated{}, &ProjectArchived{},
		&ProjectRestored{}, &ProjectDeleted{}, &ProjectCollaboratorAdded{}, &ProjectCollaboratorRemoved{}, &ProjectRoleChanged{},
		&ProjectInvitationCreated{}, &ProjectInvitationAccepted{}, &ProjectInvitationDeclined{}, &ProjectInvitationRevoked{},
		&ProjectOwnershipOffered{}, &ProjectOwnershipDeclined{}, &ProjectOwnershipTransferred{},
		&DocumentCreated{}, &DocumentRenamed{}, &DocumentDeleted{}, &DocumentVersionCreated{}, &DocumentRestored{},
	}
}
