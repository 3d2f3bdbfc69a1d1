package project

import (
	"slices"

	"atelier/messages"
)

// Role of a person in a project.
type Role string

// The roles, weakest first. Collaborator, the default, has an editor's rights.
const (
	RoleNone         Role = ""
	RolePublic       Role = "public" // anyone, where the project is public
	RoleViewer       Role = "viewer"
	RoleCommenter    Role = "commenter"
	RoleEditor       Role = "editor"
	RoleCollaborator Role = "collaborator"
	RoleAdmin        Role = "admin"
	RoleOwner        Role = "owner"
)

// givenRoles are the roles that a collaborator can be given.
var givenRoles = []Role{RoleViewer, RoleCommenter, RoleEditor, RoleCollaborator, RoleAdmin}

// Right is something a person may do in a project.
type Right string

// The rights, from the least to the most.
const (
	Read           Right = "read"
	Comment        Right = "comment"
	EditContent    Right = "edit_content" // documents and files
	EditProject    Right = "edit_project" // name and description
	ManageSettings Right = "manage_settings"
	ManageMembers  Right = "manage_members"
	ManageWebhooks Right = "manage_webhooks"
	Archive        Right = "archive" // activate, archive, restore
	Delete         Right = "delete"
	Transfer       Right = "transfer"
)

var rights = []Right{Read, Comment, EditContent, EditProject, ManageSettings, ManageMembers, ManageWebhooks, Archive, Delete, Transfer}

// weakest is the weakest role that has a right.
func weakest(right Right) Role {
	switch right {
	case Read:
		return RolePublic
	case Comment:
		return RoleCommenter
	case EditContent, EditProject:
		return RoleEditor
	case ManageSettings, ManageMembers, ManageWebhooks:
		return RoleAdmin
	case Archive, Delete, Transfer:
		return RoleOwner
	default:
		return RoleOwner
	}
}

// readOnlyBlocks reports whether an archived project withholds the right.
// Restoring, deleting, transferring, removing members and making it private
// stay possible; the rules that do these ask for the right they need.
func readOnlyBlocks(right Right) bool {
	return slices.Contains([]Right{Comment, EditContent, EditProject, ManageSettings, ManageMembers, ManageWebhooks}, right)
}

func rank(r Role) int {
	switch r {
	case RolePublic:
		return 1
	case RoleViewer:
		return 2
	case RoleCommenter:
		return 3
	case RoleEditor, RoleCollaborator:
		return 4
	case RoleAdmin:
		return 5
	case RoleOwner:
		return 6
	default:
		return 0
	}
}

// RoleOf is the role of a user in the project; an empty user is anonymous.
func (s *State) RoleOf(user messages.UserID) Role {
	switch role, member := s.index[user]; {
	case !s.Exists():
		return RoleNone
	case user != "" && user == s.Owner:
		return RoleOwner
	case member:
		return role
	case s.Settings.Public:
		return RolePublic
	default:
		return RoleNone
	}
}
