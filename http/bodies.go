package http

import (
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"atelier/messages"
)

// The JSON forms of resources. Times are RFC 3339 in UTC with microseconds.

type page[T any] struct {
	Items      []T     `json:"items" nullable:"false"`
	NextCursor *string `json:"next_cursor" nullable:"true"`
}

type profileBody struct {
	DisplayName string `json:"display_name"`
	AvatarURL   string `json:"avatar_url"`
	Bio         string `json:"bio"`
	Location    string `json:"location"`
	Timezone    string `json:"timezone"`
	Locale      string `json:"locale"`
	Website     string `json:"website"`
}

func profileOf(p *messages.Profile) profileBody {
	return profileBody{
		DisplayName: p.GetDisplayName(), AvatarURL: p.GetAvatarUrl(), Bio: p.GetBio(), Location: p.GetLocation(),
		Timezone: p.GetTimezone(), Locale: p.GetLocale(), Website: p.GetWebsite(),
	}
}

type userBody struct {
	ID         string      `json:"id" format:"uuid"`
	Email      string      `json:"email"`
	Name       string      `json:"name"`
	Status     string      `json:"status" enum:"pending,active,suspended,inactive"`
	Roles      []string    `json:"roles" nullable:"false"`
	Profile    profileBody `json:"profile"`
	MFAEnabled bool        `json:"mfa_enabled"`
	CreatedAt  string      `json:"created_at" format:"date-time"`
	UpdatedAt  string      `json:"updated_at" format:"date-time"`
	LastLogin  *string     `json:"last_login" format:"date-time" nullable:"true"`
}

func userOf(a *messages.Account) *userBody {
	u := &userBody{
		ID: a.GetId(), Email: a.GetEmail(), Name: a.GetName(), Status: a.GetStatus(), Roles: a.GetRoles(), Profile: profileOf(a.GetProfile()),
		CreatedAt: timeText(a.GetCreatedAt()), UpdatedAt: timeText(a.GetUpdatedAt()),
	}
	if a.GetLastLogin() != 0 {
		at := timeText(a.GetLastLogin())
		u.LastLogin = &at
	}
	return u
}

type publicUserBody struct {
	ID      string      `json:"id" format:"uuid"`
	Name    string      `json:"name"`
	Profile profileBody `json:"profile"`
}

func publicUserOf(u *messages.PublicUser) publicUserBody {
	return publicUserBody{ID: u.GetId(), Name: u.GetName(), Profile: profileOf(u.GetProfile())}
}

type sessionBody struct {
	ID         string   `json:"id" format:"uuid"`
	UserID     string   `json:"user_id" format:"uuid"`
	CreatedAt  string   `json:"created_at" format:"date-time"`
	LastSeenAt string   `json:"last_seen_at" format:"date-time"`
	ExpiresAt  string   `json:"expires_at" format:"date-time"`
	IP         string   `json:"ip"`
	UserAgent  string   `json:"user_agent"`
	AMR        []string `json:"amr" nullable:"false" doc:"How the user signed in (RFC 8176)"`
	Current    bool     `json:"current"`
}

func sessionOf(s *messages.Session, current string) sessionBody {
	return sessionBody{
		ID: s.GetId(), UserID: s.GetUserId(), CreatedAt: timeText(s.GetCreatedAt()), LastSeenAt: timeText(s.GetLastSeenAt()),
		ExpiresAt: timeText(s.GetExpiresAt()), IP: s.GetIp(), UserAgent: s.GetUserAgent(), AMR: filled(s.GetAmr()), Current: s.GetId() == current,
	}
}

func filled(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type settingsBody struct {
	Public           bool  `json:"public"`
	MaxCollaborators int32 `json:"max_collaborators"`
	AllowComments    bool  `json:"allow_comments"`
}

type projectBody struct {
	ID                string       `json:"id" format:"uuid"`
	Name              string       `json:"name"`
	Description       string       `json:"description"`
	OwnerID           string       `json:"owner_id" format:"uuid"`
	Status            string       `json:"status" enum:"draft,active,archived"`
	Settings          settingsBody `json:"settings"`
	Collaborators     []string     `json:"collaborators" nullable:"false" doc:"User ids, the first 100"`
	CollaboratorCount int32        `json:"collaborator_count"`
	Version           int64        `json:"version"`
	CreatedAt         string       `json:"created_at" format:"date-time"`
	UpdatedAt         string       `json:"updated_at" format:"date-time"`

	from *messages.Project
}

func projectOf(p *messages.Project) *projectBody { return &projectBody{from: p} }

// appendJSON renders the project; a test holds it against encoding/json.
func (p *projectBody) appendJSON(b []byte) []byte { return appendProject(b, p.from) }

func appendProject(b []byte, m *messages.Project) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, m.GetId()...)
	b = append(b, `","name":`...)
	b = messages.AppendText(b, m.GetName())
	b = append(b, `,"description":`...)
	b = messages.AppendText(b, m.GetDescription())
	b = append(b, `,"owner_id":"`...)
	b = append(b, m.GetOwnerId()...)
	b = append(b, `","status":"`...)
	b = append(b, m.GetStatus()...)
	b = append(b, `","settings":{"public":`...)
	b = strconv.AppendBool(b, m.GetSettings().GetPublic())
	b = append(b, `,"max_collaborators":`...)
	b = strconv.AppendInt(b, int64(m.GetSettings().GetMaxCollaborators()), 10)
	b = append(b, `,"allow_comments":`...)
	b = strconv.AppendBool(b, m.GetSettings().GetAllowComments())
	b = append(b, `},"collaborators":[`...)
	for i, id := range m.GetCollaborators() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id...)
		b = append(b, '"')
	}
	b = append(b, `],"collaborator_count":`...)
	b = strconv.AppendInt(b, int64(m.GetCollaboratorCount()), 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, m.GetVersion(), 10)
	b = append(b, `,"created_at":"`...)
	b = appendTime(b, m.GetCreatedAt())
	b = append(b, `","updated_at":"`...)
	b = appendTime(b, m.GetUpdatedAt())
	return append(b, `"}`...)
}

func timeText(us int64) string { return string(appendTime(make([]byte, 0, 27), us)) }

func appendTime(b []byte, us int64) []byte {
	return messages.AppendTime(b, messages.Time(us))
}

type projectPage struct {
	Items      []projectBody `json:"items" nullable:"false"`
	NextCursor *string       `json:"next_cursor" nullable:"true"`

	from []*messages.Project
}

func (p *projectPage) appendJSON(b []byte) []byte {
	b = append(b, `{"items":[`...)
	for i, m := range p.from {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendProject(b, m)
	}
	b = append(b, `],"next_cursor":`...)
	if p.NextCursor == nil {
		return append(b, `null}`...)
	}
	b = append(b, '"')
	b = append(b, *p.NextCursor...)
	return append(b, `"}`...)
}

type collaboratorBody struct {
	ProjectID string         `json:"project_id" format:"uuid"`
	UserID    string         `json:"user_id" format:"uuid"`
	Role      string         `json:"role" enum:"viewer,commenter,editor,collaborator,admin"`
	AddedAt   string         `json:"added_at" format:"date-time"`
	AddedBy   string         `json:"added_by"`
	User      publicUserBody `json:"user"`
}

// appendJSON renders the collaborator; a test holds it against encoding/json.
func (c *collaboratorBody) appendJSON(b []byte) []byte {
	u, p := &c.User, &c.User.Profile
	for _, m := range [...]struct{ before, text string }{
		{`{"project_id":`, c.ProjectID}, {`,"user_id":`, c.UserID}, {`,"role":`, c.Role}, {`,"added_at":`, c.AddedAt}, {`,"added_by":`, c.AddedBy},
		{`,"user":{"id":`, u.ID}, {`,"name":`, u.Name}, {`,"profile":{"display_name":`, p.DisplayName}, {`,"avatar_url":`, p.AvatarURL}, {`,"bio":`, p.Bio},
		{`,"location":`, p.Location}, {`,"timezone":`, p.Timezone}, {`,"locale":`, p.Locale}, {`,"website":`, p.Website},
	} {
		b = messages.AppendText(append(b, m.before...), m.text)
	}
	return append(b, `}}}`...)
}

func collaboratorOf(c *messages.Collaborator) collaboratorBody {
	return collaboratorBody{
		ProjectID: c.GetProjectId(), UserID: c.GetUserId(), Role: c.GetRole(), AddedAt: timeText(c.GetAddedAt()),
		AddedBy: c.GetAddedBy(), User: publicUserOf(c.GetUser()),
	}
}

type eventBody struct {
	ID         string     `json:"id" format:"uuid"`
	Type       string     `json:"type"`
	ProjectID  string     `json:"project_id" format:"uuid"`
	Seq        int64      `json:"seq"`
	ActorID    string     `json:"actor_id"`
	OccurredAt string     `json:"occurred_at" format:"date-time"`
	Data       freeObject `json:"data" doc:"The changed fields with their new values"`
}

// freeObject is a JSON object whose fields are not this API's to say, passed on
// as it is.
type freeObject []byte

// MarshalJSON is the object itself.
func (o freeObject) MarshalJSON() ([]byte, error) { return o, nil }

// Schema is that of any object.
func (freeObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

func (o *freeObject) set(any) {}

func eventOf(e *messages.EventRecord, project string) eventBody {
	return eventBody{
		ID: e.GetId(), Type: e.GetType(), ProjectID: project, Seq: e.GetSeq(), ActorID: e.GetActorId(), OccurredAt: timeText(e.GetOccurredAt()),
		Data: e.GetData(),
	}
}
