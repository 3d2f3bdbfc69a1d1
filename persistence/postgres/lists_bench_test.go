package postgres_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
	"atelier/persistence/persistencetest"
)

// BenchmarkLists is what a page of twenty projects costs, worked out and found, and the
// first hundred of a project's members, by how many members each has.
func BenchmarkLists(b *testing.B) {
	for _, members := range []int{0, 10, 1000} {
		url := migrated(b)
		db := connect(b, url)
		owner := persistencetest.Registration()
		_, err := db.Write(b.Context(), []*store.Commit{owner})
		require.NoError(b, err)
		var last string
		for range 20 {
			p := persistencetest.Creation(owner.ID)
			_, err := db.Write(b.Context(), []*store.Commit{p})
			require.NoError(b, err)
			last = p.ID
		}
		conn := raw(b, url)
		_, err = conn.Exec(b.Context(), `
			INSERT INTO users (id, email, email_typed, name, password_hash, status) SELECT gen_random_uuid(), 'm' || i, 'm' || i, 'Member', '', 'active' FROM generate_series(1, `+fmt.Sprint(members)+`) i`)
		require.NoError(b, err)
		_, err = conn.Exec(b.Context(), `INSERT INTO project_collaborators (project_id, user_id, role) SELECT p.id, u.id, 'viewer' FROM projects p, users u WHERE u.email LIKE 'm%'`)
		require.NoError(b, err)
		_, err = conn.Exec(b.Context(), `ANALYZE`)
		require.NoError(b, err)
		q := &messages.ProjectQuery{UserId: owner.ID, Limit: 20}
		b.Run(fmt.Sprintf("list/%d", members), func(b *testing.B) {
			for b.Loop() {
				page, err := db.ListProjects(b.Context(), q)
				require.NoError(b, err)
				require.Len(b, page.GetItems(), 20)
			}
		})
		b.Run(fmt.Sprintf("find/%d", members), func(b *testing.B) {
			for b.Loop() {
				_, err := db.FindProjects(b.Context(), q)
				require.NoError(b, err)
			}
		})
		b.Run(fmt.Sprintf("members/%d", members), func(b *testing.B) {
			for b.Loop() {
				_, err := db.ListCollaborators(b.Context(), &messages.CollaboratorQuery{ProjectId: last, Limit: 100})
				require.NoError(b, err)
			}
		})
	}
}
