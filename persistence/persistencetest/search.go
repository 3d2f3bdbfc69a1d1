package persistencetest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// search finds texts anywhere in name or description, letter case apart, and
// knows no wildcards.
func search(t *testing.T, db *Database) {
	owner := newUser(t, db, "n1")
	texts := []string{"100% done", "100 percent", "snake_case", "snakeXcase", `back\slash`, "Ärger", "ΩΜΈΓΑ", "日本語", "quo'te\"", "🎨 art", "*", "?", "[a-z]"}
	projects := make(map[string]string)
	for i, text := range texts {
		p := newProject("n1")
		e := created(p.fence.ID, owner.fence.ID, text)
		e.Description = proto.String("")
		if i%2 == 1 {
			e.Name, e.Description = "plain", proto.String("see "+text+" there")
		}
		p.commit(t, db, later(i), e)
		projects[p.fence.ID] = text
	}
	for query, want := range map[string][]string{
		"%": {"100% done"}, "_": {"snake_case"}, `\`: {`back\slash`}, "0%": {"100% done"}, "100": {"100% done", "100 percent"}, "SNAKE_C": {"snake_case"},
		"ärger": {"Ärger"}, "ÄRGER": {"Ärger"}, "ωμέγα": {"ΩΜΈΓΑ"}, "日本": {"日本語"}, "本語": {"日本語"}, "'": {"quo'te\""}, `"`: {"quo'te\""}, "🎨": {"🎨 art"},
		"*": {"*"}, "?": {"?"}, "[a": {"[a-z]"}, "k_": nil, "e%": nil, `\_`: nil, "snake": {"snake_case", "snakeXcase"}, "nothing": nil, "t h": nil,
	} {
		var got []string
		for _, item := range listProjects(t, db, &messages.ProjectQuery{UserId: owner.fence.ID, Text: query, Limit: 2}, nil) {
			got = append(got, projects[item.GetId()])
		}
		require.ElementsMatch(t, want, got, "search for %q", query)
	}
}
