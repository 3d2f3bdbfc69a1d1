package actors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/messages"
)

// wide is a text of so many characters that take the most bytes.
func wide(n int) string { return strings.Repeat("\U0001F3A8", n) }

func site(n int) string { return "https://a/" + wide(n-len("https://a/")) }

// fullMeta is a Meta with as much in it as the edge lets through.
func fullMeta(user string) *messages.Meta {
	return &messages.Meta{
		Principal: user, CommandId: "k:" + strings.Repeat("x", 255), Fingerprint: make([]byte, 32), ExpectedVersion: proto.Int64(1 << 60), Attempt: 1 << 30,
		RemainingUs: 1 << 60, Trace: strings.Repeat("x", 55), RequestId: strings.Repeat("x", 128), SessionId: newID(),
		Roles: []string{account.RoleUser, account.RoleAdmin, account.RoleAuditor, account.RoleSupport},
	}
}

// full is a profile with as much in it as the rules let through, and one
// character more where that is asked for.
func full(more int) *messages.ProfileChange {
	return &messages.ProfileChange{
		DisplayName: proto.String(wide(100)), AvatarUrl: proto.String(site(2048)), Bio: proto.String(wide(1000 + more)), Location: proto.String(wide(100)),
		Timezone: proto.String(wide(64)), Locale: proto.String(wide(35)), Website: proto.String(site(2048)),
	}
}

func travels(t *testing.T, sizes map[string]proto.Message) {
	t.Helper()
	for name, m := range sizes {
		require.LessOrEqual(t, proto.Size(m), messages.MaxSize, name)
	}
}

// What users can write has bounds, and whatever is made of it passes between
// nodes.
func TestTheLargestAccountTravels(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &account.State{ID: messages.UserID(newID()), Status: account.Active, TypedEmail: strings.Repeat("x", 254), Preferences: "{}", Version: 1}
	apply := func(events []messages.Event, err error) {
		t.Helper()
		require.NoError(t, err)
		require.NotEmpty(t, events)
		for _, e := range events {
			s.Apply(e, messages.Stamp{At: now, Version: s.Version + 1, Seq: s.Seq + 1})
		}
	}
	me := fullMeta(string(s.ID))
	me.ExpectedVersion = nil
	update := &messages.UpdateAccount{Meta: me, UserId: string(s.ID), Name: proto.String(wide(account.MaxName)), Profile: full(0)}
	apply(account.Update(s, update, now))
	_, err := account.Update(s, &messages.UpdateAccount{Meta: me, UserId: string(s.ID), Profile: full(1)}, now)
	require.Error(t, err)

	preferences := func(n int) *messages.UpdatePreferences {
		return &messages.UpdatePreferences{Meta: me, UserId: string(s.ID), Patch: []byte(`{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}`)}
	}
	apply(account.UpdatePreferences(s, preferences(account.MaxPreferences), now))
	_, err = account.UpdatePreferences(s, preferences(account.MaxPreferences+1), now)
	require.Error(t, err)

	suspend := &messages.SuspendUser{Meta: me, UserId: string(s.ID), Reason: wide(1000), Until: messages.Micros(now.Add(time.Hour))}
	suspended := &account.State{ID: s.ID, Status: account.Active, TypedEmail: s.TypedEmail, Name: s.Name, Profile: s.Profile, Roles: me.GetRoles()}
	events, err := account.Suspend(suspended, suspend, now)
	require.NoError(t, err)
	suspended.Apply(events[0], messages.Stamp{At: now, Version: 2, Seq: 2})

	travels(t, map[string]proto.Message{
		"the command that changes it": update, "the account": account.Resource(suspended), "the command that suspends": suspend,
		"preferences":                          account.Merged(s, nil, time.Time{}),
		"the command that changes preferences": &messages.UpdatePreferences{Meta: fullMeta(string(s.ID)), UserId: string(s.ID), Patch: make([]byte, messages.MaxPatch)},
		"a session's begin":                    &messages.OpenSession{Meta: fullMeta(string(s.ID)), UserId: string(s.ID), SessionId: newID(), Ip: strings.Repeat("x", 64), UserAgent: wide(255)},
	})
}

func TestTheLargestProjectTravels(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &project.State{ID: messages.ProjectID(newID())}
	owner := newID()
	create := &messages.CreateProject{Meta: fullMeta(owner), ProjectId: string(s.ID), Name: wide(project.MaxName), Description: wide(project.MaxDescription),
		Settings: &messages.SettingsChange{MaxCollaborators: proto.Int32(project.MaxCollaboratorLimit)}}
	events, err := project.Create(s, create, now)
	require.NoError(t, err)
	for range 2 * project.ShownCollaborators {
		events = append(events, &messages.ProjectCollaboratorAdded{UserId: newID(), Role: "collaborator", AddedBy: owner})
	}
	for i, e := range events {
		s.Apply(e, messages.Stamp{At: now, Version: int64(i) + 1, Seq: int64(i) + 1})
	}
	for _, long := range []*messages.CreateProject{{Name: wide(project.MaxName + 1)}, {Name: "x", Description: wide(project.MaxDescription + 1)}} {
		long.Meta = fullMeta(owner)
		_, err := project.Create(&project.State{}, long, now)
		require.Error(t, err)
	}
	profile := full(0)
	user := &messages.PublicUser{Id: newID(), Name: wide(account.MaxName), Profile: &messages.Profile{
		DisplayName: profile.GetDisplayName(), AvatarUrl: profile.GetAvatarUrl(), Bio: profile.GetBio(), Location: profile.GetLocation(),
		Timezone: profile.GetTimezone(), Locale: profile.GetLocale(), Website: profile.GetWebsite(),
	}}
	meta := fullMeta(owner)
	meta.ExpectedVersion = nil
	add := &messages.AddCollaborator{Meta: meta, ProjectId: string(s.ID), UserId: user.GetId(), Role: "collaborator", User: user}
	added, err := project.AddCollaborator(s, add, now)
	require.NoError(t, err)
	s.Apply(added[0], messages.Stamp{At: now, Version: s.Version + 1, Seq: s.Seq + 1})
	permissions, err := project.Permissions(s, &messages.GetPermissions{Meta: fullMeta(owner), ProjectId: string(s.ID), Explain: true})
	require.NoError(t, err)
	require.Greater(t, proto.Size(project.Resource(s)), 3800, fmt.Sprint("with ", project.ShownCollaborators, " collaborators"))
	travels(t, map[string]proto.Message{
		"the command that creates it": create, "the project": project.Resource(s), "the command that adds a collaborator": add,
		"a collaborator": project.Added(s, add, time.Time{}), "permissions": permissions,
	})
}

func TestTheLargestDocumentCommandsTravel(t *testing.T) {
	t.Parallel()
	meta := fullMeta(newID())
	grant := &messages.Grant{ProjectId: newID(), DocumentId: newID(), UserId: newID(), Role: "collaborator", Number: 1 << 60, Write: true}
	largest := &messages.AppendUpdate{Meta: meta, DocumentId: newID(), Grant: grant, Update: make([]byte, messages.MaxUpdate), At: 1 << 60}
	require.LessOrEqual(t, proto.Size(largest), messages.SizeLimit(largest))
	name := wide(project.MaxDocumentName)
	travels(t, map[string]proto.Message{
		"the command that creates a document": &messages.CreateDocument{Meta: meta, ProjectId: newID(), DocumentId: newID(), Name: name},
		"the command that creates a version": &messages.CreateVersion{
			Meta: meta, ProjectId: newID(), DocumentId: newID(), VersionId: newID(), Name: name, Position: 1 << 60, Size: 1 << 60,
		},
		"a document": &messages.Document{Id: newID(), ProjectId: newID(), Name: name, CreatedBy: newID(), CreatedAt: 1 << 60, UpdatedAt: 1 << 60, Version: 1 << 60},
	})
}
