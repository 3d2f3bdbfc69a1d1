package sqlite

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// TestPlans: no query reads a table from end to end, and what is paged is read
// in the order of an index.
func TestPlans(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	whole := regexp.MustCompile(`SCAN (users|sessions|projects|project_collaborators|events|commands|[cu])\b`)
	for name, c := range map[string]struct {
		*statement
		sorts bool
	}{
		"open sessions of an account": {selectOpenSessions, false},
		"members of a project":        {selectMembers, false},
		"credential":                  {selectCredential, false},
		"public users":                {selectPublicUsers, false},
		"expired commands":            {removeExpired, false},
		"sessions":                    {firstSessions, false},
		"sessions, on":                {nextSessions, false},
		"collaborators":               {firstCollaborators, false},
		"collaborators, on":           {nextCollaborators, false},
		"events":                      {oldestEvents, false},
		"activity":                    {newestEvents, false},
		"projects":                    {newestProjects.first, true},
		"projects, on":                {newestProjects.next, true},
		"projects by change":          {changedProjects.next, true},
		"projects by name":            {namedProjects.next, true},
	} {
		plan := explain(t, db, c.statement)
		require.NotRegexp(t, whole, plan, name)
		if !c.sorts {
			require.NotContains(t, plan, "TEMP B-TREE", name)
		}
	}
	own, _, _ := strings.Cut(explain(t, db, newestProjects.next), "RIGHT")
	require.Contains(t, own, "(owner_id=? AND (created_at,id)<(?,?))", "a user's own projects, from where the page begins")
}

func explain(t *testing.T, db *DB, s *statement) string {
	t.Helper()
	var lines []string
	args := make([]any, strings.Count(s.text, "?")) // more than there are do no harm
	require.NoError(t, db.read(t.Context(), "explain", stmt("EXPLAIN QUERY PLAN "+s.text), args, func(r *row) error {
		r.next = 3
		lines = append(lines, r.text())
		return nil
	}))
	require.NotEmpty(t, lines)
	return strings.Join(lines, "\n")
}

// TestNamesBeyondASCII: they sort and are found whatever their case, as in
// Postgres.
func TestNamesBeyondASCII(t *testing.T) {
	t.Parallel()
	db, _ := fresh(t)
	owner := newID()
	applied(t, db, registration(owner))
	for _, name := range []string{"Éclair", "zebra", "école", "Apple", "Zebra", "100% école"} {
		applied(t, db, creation(newID(), owner, name))
	}
	names := func(q *messages.ProjectQuery) (names []string) {
		q.UserId, q.Limit = owner, 2
		for {
			page, err := db.ListProjects(t.Context(), q)
			require.NoError(t, err)
			for _, p := range page.GetItems() {
				names = append(names, p.GetName())
			}
			if page.GetNext() == nil {
				return names
			}
			q.After = page.GetNext()
		}
	}
	require.Equal(t, []string{"100% école", "Apple", "zebra", "Zebra", "Éclair", "école"}, names(&messages.ProjectQuery{Sort: "name"}))
	require.ElementsMatch(t, []string{"école", "100% école"}, names(&messages.ProjectQuery{Text: "ÉCO"}))
	require.Equal(t, []string{"100% école"}, names(&messages.ProjectQuery{Text: "0% É"}))
	require.Empty(t, names(&messages.ProjectQuery{Text: "_cole"}))
	require.Empty(t, names(&messages.ProjectQuery{Text: "a", Role: "viewer"}))
}
