package http

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"atelier/messages"
)

// plain is the project with the documented fields filled in.
func (p *projectBody) plain() *projectBody {
	m := p.from
	return &projectBody{
		ID: m.GetId(), Name: m.GetName(), Description: m.GetDescription(), OwnerID: m.GetOwnerId(), Status: m.GetStatus(),
		Settings: settingsBody{
			Public: m.GetSettings().GetPublic(), MaxCollaborators: m.GetSettings().GetMaxCollaborators(), AllowComments: m.GetSettings().GetAllowComments(),
		},
		Collaborators: filled(m.GetCollaborators()), CollaboratorCount: m.GetCollaboratorCount(), Version: m.GetVersion(),
		CreatedAt: timeText(m.GetCreatedAt()), UpdatedAt: timeText(m.GetUpdatedAt()),
	}
}

// TestHotBodies holds the bodies that render themselves against encoding/json.
func TestHotBodies(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aé😀\"\\<>&\u2028\n\t\x7f ")), 0, 30, -1)
	us := rapid.Int64Range(1, 4_000_000_000_000_000)
	rapid.Check(t, func(t *rapid.T) {
		p := proto.CloneOf(fakeProject())
		p.Name, p.Description = text.Draw(t, "name"), text.Draw(t, "description")
		p.Collaborators = rapid.SliceOfN(rapid.Just(someUser), 0, 3).Draw(t, "collaborators")
		p.CreatedAt, p.UpdatedAt, p.Version = us.Draw(t, "created"), us.Draw(t, "updated"), rapid.Int64().Draw(t, "version")
		p.Settings.Public = rapid.Bool().Draw(t, "public")

		plain, err := json.Marshal(projectOf(p).plain())
		require.NoError(t, err)
		require.Equal(t, string(plain), string(projectOf(p).appendJSON(nil)))

		page := &projectPage{from: []*messages.Project{p, p}}
		if rapid.Bool().Draw(t, "more") {
			page.NextCursor = proto.String("abc-_")
		}
		plain, err = json.Marshal(&projectPage{Items: []projectBody{*projectOf(p).plain(), *projectOf(p).plain()}, NextCursor: page.NextCursor})
		require.NoError(t, err)
		require.Equal(t, string(plain), string(page.appendJSON(nil)))

		c := collaboratorOf(&messages.Collaborator{ProjectId: someProject, UserId: someUser, Role: "editor", AddedAt: us.Draw(t, "added"), AddedBy: someUser, User: &messages.PublicUser{
			Id: someUser, Name: text.Draw(t, "user"), Profile: &messages.Profile{
				DisplayName: text.Draw(t, "display"), AvatarUrl: "https://a.example/?b=1&c=2", Bio: text.Draw(t, "bio"), Location: "L", Timezone: "T", Locale: "en", Website: text.Draw(t, "website"),
			},
		}})
		plain, err = json.Marshal(c)
		require.NoError(t, err)
		require.Equal(t, string(plain), string(c.appendJSON(nil)))
	})
}

func TestAcceptable(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": true, "*/*": true, "application/json": true, "APPLICATION/JSON": true, "text/html, application/*;q=0.1": true, "application/json; charset=utf-8": true,
		"text/html": false, "application/jsonp": false, "application/json;q=0": false, "*/*, application/json;q=0.0": false, "text/event-stream": false,
		"application/json;q=0.5, */*;q=0": true, "application/problem+json": false, ",": false,
	} {
		require.Equal(t, want, acceptable([]byte(accept), "application/json"), accept)
	}
}

func TestContinuedTraces(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	for header, flags := range map[string]string{
		"00-" + id + "-b7ad6b7169203331-01":     "01",
		"cc-" + id + "-b7ad6b7169203331-00-xyz": "00", // a later version: what it adds is cut off
	} {
		got := continued([]byte(header))
		require.Regexp(t, "^00-"+id+"-[0-9a-f]{16}-"+flags+"$", got)
		require.NotContains(t, got, "b7ad6b7169203331", "the span is ours")
	}
	for _, header := range []string{
		"", "x", "ff-" + id + "-b7ad6b7169203331-01", "00-" + id + "-0000000000000000-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-" + id + "-b7ad6b7169203331-01-xyz", "00-" + id[:31] + "G-b7ad6b7169203331-01", "00-" + id + "-b7ad6b7169203331-0", "0X-" + id + "-b7ad6b7169203331-01",
	} {
		require.Empty(t, continued([]byte(header)), header)
	}
	require.Equal(t, 55, len(newTrace()))
	require.NotEmpty(t, continued([]byte(newTrace())))
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{`"3"`: true, `W/"3"`: true, `"1", "3"`: true, `*`: true, `"33"`: false, `3`: false, ``: false, `"1",W/"2"`: false} {
		require.Equal(t, want, matches(header, `"3"`), header)
	}
}
