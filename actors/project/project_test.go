package project_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"atelier/actors/project"
	"atelier/messages"
	"atelier/test/script"
)

type machine struct{ *project.State }

func (m machine) Decide(c messages.Command, now time.Time) ([]messages.Event, error) {
	switch c := c.(type) {
	case *messages.CreateProject:
		return project.Create(m.State, c, now)
	case *messages.UpdateProject:
		return project.Update(m.State, c, now)
	case *messages.ActivateProject:
		return project.Activate(m.State, c, now)
	case *messages.ArchiveProject:
		return project.ArchiveActive(m.State, c, now)
	case *messages.RestoreProject:
		return project.Restore(m.State, c, now)
	case *messages.DeleteProject:
		return project.Remove(m.State, c, now)
	case *messages.AddCollaborator:
		return project.AddCollaborator(m.State, c, now)
	case *messages.ChangeRole:
		return project.ChangeRole(m.State, c, now)
	case *messages.RemoveCollaborator:
		return project.RemoveCollaborator(m.State, c, now)
	case *messages.Invite:
		return project.Invite(m.State, c, now)
	case *messages.ResendInvitation:
		return project.ResendInvitation(m.State, c, now)
	case *messages.RevokeInvitation:
		return project.RevokeInvitation(m.State, c, now)
	case *messages.AcceptInvitation:
		return project.AcceptInvitation(m.State, c, now)
	case *messages.DeclineInvitation:
		return project.DeclineInvitation(m.State, c, now)
	case *messages.OfferOwnership:
		return project.OfferOwnership(m.State, c, now)
	case *messages.AcceptOwnership:
		return project.AcceptOwnership(m.State, c, now)
	case *messages.DeclineOwnership:
		return project.DeclineOwnership(m.State, c, now)
	case *messages.CreateDocument:
		return project.CreateDocument(m.State, c, now)
	case *messages.RenameDocument:
		return project.RenameDocument(m.State, c, now)
	case *messages.DeleteDocument:
		return project.DeleteDocument(m.State, c, now)
	case *messages.CreateVersion:
		return project.CreateVersion(m.State, c, now)
	case *messages.RestoreDocument:
		return project.RestoreDocument(m.State, c, now)
	default:
		return nil, fmt.Errorf("no rule for %T", c)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	script.Run(t, "testdata", func() script.Machine { return machine{&project.State{}} })
}

// existing is an active project of ann with one collaborator of each role.
func existing(status project.Status, public bool) *project.State {
	s := &project.State{}
	at := messages.Stamp{At: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), Version: 1, Seq: 1}
	s.Apply(&messages.ProjectCreated{ProjectId: "p", Name: "n", OwnerId: "ann", Status: string(status), Settings: &messages.SettingsChange{Public: &public}}, at)
	for _, role := range []string{"viewer", "commenter", "editor", "collaborator", "admin"} {
		s.Apply(&messages.ProjectCollaboratorAdded{UserId: role, Role: role, AddedBy: "ann"}, at)
	}
	return s
}

func TestRights(t *testing.T) {
	t.Parallel()
	// Rows: caller; columns: the rights of an active, private project.
	table := map[string][]project.Right{
		"":             {},
		"stranger":     {},
		"viewer":       {project.Read},
		"commenter":    {project.Read, project.Comment},
		"editor":       {project.Read, project.Comment, project.EditContent, project.EditProject},
		"collaborator": {project.Read, project.Comment, project.EditContent, project.EditProject},
		"admin": {project.Read, project.Comment, project.EditContent, project.EditProject, project.ManageSettings,
			project.ManageMembers, project.ManageWebhooks},
		"ann": {project.Read, project.Comment, project.EditContent, project.EditProject, project.ManageSettings,
			project.ManageMembers, project.ManageWebhooks, project.Archive, project.Delete, project.Transfer},
	}
	all := table["ann"]
	active, archived, public := existing(project.Active, false), existing(project.Archived, false), existing(project.Active, true)
	kept := []project.Right{project.Read, project.Archive, project.Delete, project.Transfer}
	for who, given := range table {
		for _, right := range all {
			user := messages.UserID(who)
			has := slices.Contains(given, right)
			require.Equal(t, has, project.Decide(active, user, right).Allowed, "%q %s", who, right)
			require.Equal(t, has && slices.Contains(kept, right), project.Decide(archived, user, right).Allowed, "archived: %q %s", who, right)
			require.Equal(t, has || right == project.Read, project.Decide(public, user, right).Allowed, "public: %q %s", who, right)
			if len(given) == 0 {
				require.Equal(t, messages.CodeNotFound, project.Decide(active, user, right).Code, "%q must not learn that the project exists", who)
			}
		}
	}
}

func TestExplanationIsTheDecision(t *testing.T) {
	t.Parallel()
	for _, s := range []*project.State{existing(project.Active, false), existing(project.Archived, true), existing(project.Draft, true)} {
		for _, user := range []string{"stranger", "viewer", "commenter", "editor", "collaborator", "admin", "ann"} {
			p, err := project.Permissions(s, &messages.GetPermissions{Meta: &messages.Meta{Principal: "ann"}, UserId: user, Explain: true})
			require.NoError(t, err)
			for _, answer := range p.GetRights() {
				d := project.Decide(s, messages.UserID(user), project.Right(answer.GetRight()))
				require.Equal(t, d.Allowed, answer.GetAllowed())
				require.Equal(t, d.Reason(), answer.GetReason())
				require.NotEmpty(t, answer.GetReason())
			}
		}
	}
}

// TestRandomHistories: the limit holds, versions count commands, seq is
// contiguous, a clone is independent, and the fold of the logged events is the
// state.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	users := []string{"bob", "cid", "dee", "eve", "fay"}
	rapid.Check(t, func(t *rapid.T) {
		m, folded := machine{&project.State{}}, &project.State{}
		now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
		as := func() *messages.Meta {
			return &messages.Meta{Principal: rapid.SampledFrom(append(users, "ann", "ann", "ann")).Draw(t, "as")}
		}
		user := func() string { return rapid.SampledFrom(append(users, "ann")).Draw(t, "user") }
		role := func() string {
			return rapid.SampledFrom([]string{"", "viewer", "editor", "admin", "king"}).Draw(t, "role")
		}
		seen := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			var c messages.Command
			switch rapid.IntRange(0, 9).Draw(t, "command") {
			case 0:
				c = &messages.CreateProject{Meta: as(), ProjectId: "p", Name: "n", Settings: &messages.SettingsChange{MaxCollaborators: proto.Int32(2)}}
			case 1, 2, 3, 4:
				c = &messages.AddCollaborator{Meta: as(), UserId: user(), Role: role()}
			case 5:
				c = &messages.RemoveCollaborator{Meta: as(), UserId: user()}
			case 6:
				c = &messages.ChangeRole{Meta: as(), UserId: user(), Role: role()}
			case 7:
				c = &messages.UpdateProject{Meta: as(), Settings: &messages.SettingsChange{MaxCollaborators: proto.Int32(rapid.Int32Range(0, 4).Draw(t, "max"))}}
			case 8:
				c = &messages.ArchiveProject{Meta: as()}
			case 9:
				c = &messages.RestoreProject{Meta: as()}
			}
			now = now.Add(time.Second)
			before := m.Clone()
			events, err := m.Decide(c, now)
			require.Equal(t, before, m.Clone(), "a rule changed the state")
			if err != nil {
				require.Empty(t, events)
				continue
			}
			version, seq := m.Head()
			for _, e := range events {
				seq++
				stamp := messages.Stamp{At: now, Version: version + 1, Seq: seq}
				m.Apply(e, stamp)
				data, err := messages.EventData(e)
				require.NoError(t, err)
				parsed, err := messages.ParseEvent(e.EventType(), data)
				require.NoError(t, err)
				folded.Apply(parsed, stamp)
				seen++
			}
			require.LessOrEqual(t, len(m.Members()), m.Settings.MaxCollaborators)
			require.Equal(t, seen, m.Seq)
		}
		require.Equal(t, m.Clone(), folded.Clone())
	})
}

func TestGrants(t *testing.T) {
	t.Parallel()
	for _, s := range []*project.State{existing(project.Active, false), existing(project.Active, true), existing(project.Archived, false)} {
		s.Apply(&messages.DocumentCreated{DocumentId: "d", Name: "Minutes", CreatedBy: "ann"}, messages.Stamp{At: time.Unix(9, 0), Version: 9, Seq: 9})
		for _, user := range []string{"", "stranger", "viewer", "commenter", "editor", "collaborator", "admin", "ann"} {
			meta := &messages.Meta{Principal: user}
			reads, writes := project.Decide(s, messages.UserID(user), project.Read), project.Decide(s, messages.UserID(user), project.EditContent)
			g, err := project.ViewGrant(s, &messages.GetGrant{Meta: meta, DocumentId: "d"}, time.Time{})
			if !reads.Allowed {
				require.True(t, messages.HasCode(err, messages.CodeNotFound), user)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, &messages.Grant{ProjectId: "p", DocumentId: "d", UserId: user, Role: string(reads.Role), Number: 9, Write: writes.Allowed}, g)
			_, err = project.ViewGrant(s, &messages.GetGrant{Meta: meta, DocumentId: "d", Write: true}, time.Time{})
			require.Equal(t, writes.Allowed, err == nil, user)
			_, err = project.ViewGrant(s, &messages.GetGrant{Meta: meta, DocumentId: "e"}, time.Time{})
			require.True(t, messages.HasCode(err, messages.CodeNotFound))
		}
	}
}

func TestDocumentsHaveALimit(t *testing.T) {
	t.Parallel()
	m := machine{existing(project.Active, false)}
	create := func(i int) (err error) {
		events, err := m.Decide(&messages.CreateDocument{Meta: &messages.Meta{Principal: "ann"}, DocumentId: fmt.Sprint(i), Name: "n"}, time.Unix(0, 0))
		for _, e := range events {
			m.Apply(e, messages.Stamp{Version: m.Version + 1, Seq: m.Seq + 1})
		}
		return err
	}
	for i := range project.MaxDocuments {
		require.NoError(t, create(i))
	}
	require.True(t, messages.HasCode(create(project.MaxDocuments), messages.CodeInvalidState))
}

func TestChangesFoldsToTheEnd(t *testing.T) {
	t.Parallel()
	s := existing(project.Active, false)
	at := messages.Stamp{At: time.Unix(9, 0), Version: 9, Seq: 9}
	events := []messages.Event{
		&messages.ProjectCollaboratorAdded{UserId: "bob", Role: "viewer"},
		&messages.ProjectCollaboratorRemoved{UserId: "bob"},
		&messages.ProjectCollaboratorRemoved{UserId: "viewer"},
		&messages.ProjectCollaboratorAdded{UserId: "viewer", Role: "admin"},
		&messages.ProjectRoleChanged{UserId: "editor", Role: "viewer"},
	}
	for _, e := range events {
		s.Apply(e, at)
	}
	change := project.Changes(s, events).(*project.Change)
	require.Equal(t, []messages.UserID{"bob"}, change.Removed)
	require.Len(t, change.Put, 2)
	require.Equal(t, project.RoleAdmin, change.Put[0].Role)
	require.Equal(t, project.RoleViewer, change.Put[1].Role)
	require.Equal(t, 5, change.Row.Count)
}
