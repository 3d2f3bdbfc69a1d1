package persistencetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/messages"
)

// pages reads a list to its end. Between pages the rows around change.
func pages[I any](t testing.TB, page func(after *messages.PageKey) ([]I, *messages.PageKey), between func(n int)) []I {
	t.Helper()
	var all []I
	var after *messages.PageKey
	for n := 0; ; n++ {
		require.Less(t, n, 1000, "the list does not end")
		items, next := page(after)
		all = append(all, items...)
		if next == nil {
			return all
		}
		require.NotEmpty(t, items, "an empty page names a next one")
		after = proto.CloneOf(next)
		if between != nil {
			between(n)
		}
	}
}

func listProjects(t testing.TB, db Engine, q *messages.ProjectQuery, between func(n int)) []*messages.Project {
	t.Helper()
	return pages(t, func(after *messages.PageKey) ([]*messages.Project, *messages.PageKey) {
		q := proto.CloneOf(q)
		q.After = after
		page, err := db.ListProjects(t.Context(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.GetItems()), int(q.GetLimit()))
		found, err := db.FindProjects(t.Context(), q)
		require.NoError(t, err)
		var listed []messages.FoundProject
		for _, p := range page.GetItems() {
			listed = append(listed, messages.FoundProject{ID: p.GetId(), Stamp: messages.StampOf(p.GetVersion(), p.GetUpdatedAt())})
		}
		require.Equal(t, listed, found.Items, "what is found is what is listed")
		require.True(t, proto.Equal(page.GetNext(), found.Next))
		return page.GetItems(), page.GetNext()
	}, between)
}

// names of projects that differ in ways that sorting and paging must agree on.
var names = []string{
	"alpha", "Alpha", "ALPHA", "alphabet", "Beta", "beta", "_under", "%", "1", "10", "2", "Ärger", "ärger", "zebra", "Zürich", "εψιλον", "Ωμέγα", "日本", "🎨", " space",
}

// portfolio is a user with projects of his own and shared ones, many of them
// made in the same moment.
type portfolio struct {
	user     *entity[*account.State]
	owner    *entity[*account.State] // of those that are shared
	projects []*entity[*project.State]
	roles    map[string]string // by project
}

func newPortfolio(t testing.TB, db Engine) *portfolio {
	f := &portfolio{user: newUser(t, db, "n1"), owner: newUser(t, db, "n1"), roles: make(map[string]string)}
	roles := []project.Role{project.RoleViewer, project.RoleEditor, project.RoleAdmin}
	for i, name := range names {
		p := newProject("n1")
		at := later(10 + i/3)
		if i%2 == 0 {
			p.commit(t, db, at, created(p.fence.ID, f.user.fence.ID, name))
			f.roles[p.fence.ID] = string(project.RoleOwner)
		} else {
			role := roles[i/2%3]
			p.commit(t, db, at, created(p.fence.ID, f.owner.fence.ID, name), added(f.user, role, f.owner.fence.ID))
			f.roles[p.fence.ID] = string(role)
		}
		switch i % 4 {
		case 1:
			p.commit(t, db, later(30-i/3), &messages.ProjectActivated{Status: string(project.Active)})
		case 2:
			p.commit(t, db, later(30), &messages.ProjectSettingsChanged{Public: proto.Bool(true)})
		}
		f.projects = append(f.projects, p)
	}
	return f
}

// sorted are the ids in the order that a list must have.
func (f *portfolio) sorted(by string) []string {
	list := slices.Clone(f.projects)
	slices.SortFunc(list, func(a, b *entity[*project.State]) int {
		ids := strings.Compare(a.fence.ID, b.fence.ID)
		switch by {
		case "name":
			return cmp.Or(strings.Compare(strings.ToLower(a.state.Name), strings.ToLower(b.state.Name)), ids)
		case "-updated_at":
			return cmp.Or(b.state.UpdatedAt.Compare(a.state.UpdatedAt), -ids)
		default:
			return cmp.Or(b.state.CreatedAt.Compare(a.state.CreatedAt), -ids)
		}
	})
	var ids []string
	for _, p := range list {
		ids = append(ids, p.fence.ID)
	}
	return ids
}

func projectIDs(items []*messages.Project) (ids []string) {
	for _, item := range items {
		ids = append(ids, item.GetId())
	}
	return ids
}

var sorts = []string{"", "-created_at", "-updated_at", "name"}

// projectPages: every sort shows every project once and in its order, however
// long the pages are, and each as its commits left it.
func projectPages(t *testing.T, db *Database) {
	f := newPortfolio(t, db)
	for _, sort := range sorts {
		for _, limit := range []int32{1, 3, 7, int32(len(names)), 100} {
			items := listProjects(t, db, &messages.ProjectQuery{UserId: f.user.fence.ID, Sort: sort, Limit: limit}, nil)
			require.Equal(t, f.sorted(sort), projectIDs(items), "sort %q by %d", sort, limit)
		}
	}
	shown := make(map[string]*messages.Project)
	for _, item := range listProjects(t, db, &messages.ProjectQuery{UserId: f.user.fence.ID, Limit: 100}, nil) {
		shown[item.GetId()] = item
	}
	for _, p := range f.projects {
		same(t, resource(t, project.Resource(p.state)), resource(t, shown[p.fence.ID]))
	}
	require.Empty(t, listProjects(t, db, &messages.ProjectQuery{UserId: newID(), Limit: 10}, nil))
	require.Empty(t, listProjects(t, db, &messages.ProjectQuery{UserId: "nobody", Limit: 10}, nil))
}

// resource is a message as text that can be compared.
func resource(t testing.TB, m proto.Message) string {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	return fmt.Sprintf("%x %v", b, m)
}

// projectPagesUnderWrites: while someone pages, projects come, go, move and are
// renamed on both sides of the cursor. Those that stay as they are appear once.
func projectPagesUnderWrites(t *testing.T, db *Database) {
	for _, sort := range sorts {
		for _, limit := range []int32{1, 2, 5} {
			f := newPortfolio(t, db)
			moved := make(map[string]bool)
			items := listProjects(t, db, &messages.ProjectQuery{UserId: f.user.fence.ID, Sort: sort, Limit: limit}, func(n int) {
				f.disturb(t, db, n, moved)
			})
			var want, got []string
			for _, id := range f.sorted(sort) {
				if !moved[id] {
					want = append(want, id)
				}
			}
			for _, item := range items {
				if !moved[item.GetId()] {
					got = append(got, item.GetId())
				}
			}
			require.Equal(t, want, got, "sort %q by %d", sort, limit)
			require.Greater(t, len(want), len(names)/3)
		}
	}
}

// disturb changes the rows around: at the head, in the middle and at the end.
func (f *portfolio) disturb(t testing.TB, db Engine, n int, moved map[string]bool) {
	if n > 3 {
		return // the list must come to an end
	}
	for i, name := range []string{"aaa", "Alpha", "zzz"} {
		p := newProject("n1")
		moved[p.fence.ID] = true
		p.commit(t, db, later([]int{0, 12, 90}[i]), created(p.fence.ID, f.user.fence.ID, name))
	}
	renamedProject, gone := f.projects[n*5], f.projects[n*5+2]
	moved[renamedProject.fence.ID], moved[gone.fence.ID] = true, true
	renamedProject.commit(t, db, later(95), renamed(fmt.Sprint("m", n)))
	gone.commit(t, db, later(95), &messages.ProjectDeleted{ProjectId: gone.fence.ID})
}

func projectFilters(t *testing.T, db *Database) {
	f := newPortfolio(t, db)
	for _, status := range []string{"", "draft", "active", "archived"} {
		for _, role := range []string{"", "owner", "viewer", "editor", "admin", "commenter"} {
			for _, public := range []*bool{nil, proto.Bool(true), proto.Bool(false)} {
				q := &messages.ProjectQuery{UserId: f.user.fence.ID, Status: status, Role: role, Public: public, Limit: 2}
				var want []string
				for _, id := range f.sorted("") {
					i := slices.IndexFunc(f.projects, func(p *entity[*project.State]) bool { return p.fence.ID == id })
					s := f.projects[i].state
					if (status == "" || string(s.Status) == status) && (role == "" || f.roles[id] == role) && (public == nil || *public == s.Settings.Public) {
						want = append(want, id)
					}
				}
				require.Equal(t, want, projectIDs(listProjects(t, db, q, nil)), "%v", q)
			}
		}
	}
}
