// Package project holds the rules of projects: what a command decides, what an
// event changes and which rows follow. Rules are pure: no I/O, no clock, no
// randomness; time, ids and the caller come with the command.
package project

import (
	"maps"
	"slices"
	"time"

	"atelier/messages"
)

// Status of a project's life cycle.
type Status string

// The life cycle: draft → active ⇄ archived.
const (
	Draft    Status = "draft"
	Active   Status = "active"
	Archived Status = "archived"
)

// Limits and defaults of a project.
const (
	MaxName                 = 100
	MaxDescription          = 500
	MaxCollaboratorLimit    = 10_000
	DefaultMaxCollaborators = 10
	ShownCollaborators      = 100 // user ids carried in the project resource
)

// Settings of a project.
type Settings struct {
	Public           bool
	MaxCollaborators int
	AllowComments    bool
}

// DefaultSettings are what an empty settings object reads as.
func DefaultSettings() Settings {
	return Settings{MaxCollaborators: DefaultMaxCollaborators, AllowComments: true}
}

// Member is a collaborator. The owner is not one.
type Member struct {
	User    messages.UserID
	Role    Role
	AddedAt time.Time
	AddedBy messages.UserID
}

// State of a project. The zero value is a project that does not exist. Rules
// read it, Apply alone writes it.
type State struct {
	ID          messages.ProjectID
	Name        string
	Description string
	Owner       messages.UserID
	Status      Status
	Settings    Settings
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
	Seq         int64
	Invitations []Invitation // that wait, the oldest first; expired ones among them
	Offer       Offer        // of ownership

	members   []Member // by AddedAt, then User
	index     map[messages.UserID]Role
	documents map[messages.DocumentID]Document
}

// Exists reports whether the project was created and not deleted.
func (s *State) Exists() bool { return s.Status != "" }

// Head is the version of the aggregate and the length of its stream.
func (s *State) Head() (version, seq int64) { return s.Version, s.Seq }

// LastChange is when the last event happened.
func (s *State) LastChange() time.Time { return s.UpdatedAt }

// Clone copies the state; the copy shares nothing that Apply changes.
func (s *State) Clone() *State {
	c := *s
	c.members = slices.Clone(s.members)
	c.Invitations = slices.Clone(s.Invitations)
	c.index = maps.Clone(s.index)
	c.documents = maps.Clone(s.documents)
	return &c
}

// Load puts stored members into a state that was read from rows.
func (s *State) Load(members []Member) {
	if len(members) == 0 {
		return
	}
	s.members = members
	slices.SortFunc(s.members, compareMembers)
	s.index = make(map[messages.UserID]Role, len(members))
	for _, m := range members {
		s.index[m.User] = m.Role
	}
}

// Members are the collaborators, oldest first. The slice must not be changed.
func (s *State) Members() []Member { return s.members }

// Member returns a collaborator.
func (s *State) Member(user messages.UserID) (Member, bool) {
	if _, ok := s.index[user]; !ok {
		return Member{}, false
	}
	return s.members[s.position(user)], true
}

func (s *State) position(user messages.UserID) int {
	return slices.IndexFunc(s.members, func(m Member) bool { return m.User == user })
}

// compareMembers is the order of the collaborators list: by time, then user.
func compareMembers(a, b Member) int {
	if c := a.AddedAt.Compare(b.AddedAt); c != 0 {
		return c
	}
	if a.User < b.User {
		return -1
	}
	if a.User > b.User {
		return 1
	}
	return 0
}

// Apply changes the state by one event.
func (s *State) Apply(e messages.Event, at messages.Stamp) {
	switch e := e.(type) {
	case *messages.ProjectCreated:
		*s = State{
			ID: messages.ProjectID(e.GetProjectId()), Name: e.GetName(), Description: e.GetDescription(),
			Owner: messages.UserID(e.GetOwnerId()), Status: Status(e.GetStatus()),
			Settings: applySettings(DefaultSettings(), e.GetSettings()), CreatedAt: at.At,
		}
	case *messages.ProjectUpdated:
		if e.Name != nil {
			s.Name = e.GetName()
		}
		if e.Description != nil {
			s.Description = e.GetDescription()
		}
	case *messages.ProjectSettingsChanged:
		s.Settings = applySettings(s.Settings, &messages.SettingsChange{
			Public: e.Public, MaxCollaborators: e.MaxCollaborators, AllowComments: e.AllowComments,
		})
	case *messages.ProjectActivated:
		s.Status = Status(e.GetStatus())
	case *messages.ProjectArchived:
		s.Status = Status(e.GetStatus())
	case *messages.ProjectRestored:
		s.Status = Status(e.GetStatus())
	case *messages.ProjectDeleted:
		*s = State{ID: s.ID, Seq: s.Seq}
	case *messages.ProjectCollaboratorAdded:
		s.add(Member{
			User: messages.UserID(e.GetUserId()), Role: Role(e.GetRole()),
			AddedAt: at.At, AddedBy: messages.UserID(e.GetAddedBy()),
		})
	case *messages.ProjectCollaboratorRemoved:
		s.remove(messages.UserID(e.GetUserId()))
	case *messages.ProjectInvitationCreated:
		s.Invitations = append(s.Invitations, Invitation{
			ID: e.GetInvitationId(), Email: e.GetEmail(), Typed: e.GetTypedEmail(), Role: Role(e.GetRole()), By: messages.UserID(e.GetInvitedBy()),
			At: messages.Micros(at.At), Expires: messages.Micros(messages.ParseTime(e.GetExpiresAt())),
		})
	case *messages.ProjectInvitationAccepted:
		s.endInvitation(e.GetInvitationId())
	case *messages.ProjectInvitationDeclined:
		s.endInvitation(e.GetInvitationId())
	case *messages.ProjectInvitationRevoked:
		s.endInvitation(e.GetInvitationId())
	case *messages.ProjectOwnershipOffered:
		s.Offer = Offer{User: messages.UserID(e.GetUserId()), Expires: messages.Micros(messages.ParseTime(e.GetExpiresAt()))}
	case *messages.ProjectOwnershipDeclined:
		s.Offer = Offer{}
	case *messages.ProjectOwnershipTransferred:
		s.transfer(e, at)
	case *messages.ProjectRoleChanged:
		user := messages.UserID(e.GetUserId())
		s.members[s.position(user)].Role = Role(e.GetRole())
		s.index[user] = Role(e.GetRole())
	default:
		s.applyDocument(e, at)
	}
	if messages.Logged(e) {
		s.UpdatedAt = at.At
	}
	s.Version, s.Seq = at.Version, at.Seq
}

func (s *State) endInvitation(id string) {
	s.Invitations = slices.DeleteFunc(s.Invitations, func(i Invitation) bool { return i.ID == id })
}

func applySettings(s Settings, c *messages.SettingsChange) Settings {
	if c == nil {
		return s
	}
	if c.Public != nil {
		s.Public = c.GetPublic()
	}
	if c.MaxCollaborators != nil {
		s.MaxCollaborators = int(c.GetMaxCollaborators())
	}
	if c.AllowComments != nil {
		s.AllowComments = c.GetAllowComments()
	}
	return s
}

func (s *State) add(m Member) {
	if s.index == nil {
		s.index = make(map[messages.UserID]Role)
	}
	at, _ := slices.BinarySearchFunc(s.members, m, compareMembers)
	s.members = slices.Insert(s.members, at, m)
	s.index[m.User] = m.Role
}

func (s *State) remove(user messages.UserID) {
	i := s.position(user)
	s.members = slices.Delete(s.members, i, i+1)
	delete(s.index, user)
}
