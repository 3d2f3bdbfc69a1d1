package persistencetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// newUser is an account that was registered.
func newUser(t testing.TB, w store.Writer, node string) *entity[*account.State] {
	t.Helper()
	user := newAccount(node)
	user.commit(t, w, start, registered(user.fence.ID, address(user.fence.ID)))
	return user
}

// newUserProject is a project that was created by a new user.
func newUserProject(t testing.TB, w store.Writer, node string) (*entity[*project.State], *entity[*account.State]) {
	t.Helper()
	owner, p := newUser(t, w, node), newProject(node)
	p.commit(t, w, start, created(p.fence.ID, owner.fence.ID, "A project"))
	return p, owner
}

// later is n minutes after the start.
func later(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// write writes commits that must all be applied.
func write(t testing.TB, w store.Writer, group ...*store.Commit) {
	t.Helper()
	for i, r := range results(t, w, group...) {
		require.NoError(t, r.Err, "commit %d", i)
		require.False(t, r.Duplicate, "commit %d", i)
	}
}

// results writes a group that must come to an end.
func results(t testing.TB, w store.Writer, group ...*store.Commit) []store.Result {
	t.Helper()
	results, err := w.Write(t.Context(), group)
	require.NoError(t, err)
	require.Len(t, results, len(group))
	return results
}

// settle writes one commit as the committer does: again after a definite
// rollback, so that races between nodes come to an end.
func settle(t testing.TB, w store.Writer, c *store.Commit) store.Result {
	t.Helper()
	for range 4 {
		results, err := w.Write(t.Context(), []*store.Commit{c})
		if err == nil {
			return results[0]
		}
		if !errors.Is(err, store.ErrRolledBack) {
			t.Error(err)
			return store.Result{Err: err}
		}
	}
	t.Error("the commit was rolled back again and again")
	return store.Result{Err: store.ErrRolledBack}
}

// same compares states; nil and empty are one.
func same[S any](t testing.TB, want, got S) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(project.State{})); diff != "" {
		t.Fatalf("states differ (- wanted, + got):\n%s", diff)
	}
}

// stream reads a stream of the log, which must be contiguous.
func stream(t testing.TB, db Engine, name string) []*messages.EventRecord {
	t.Helper()
	var all []*messages.EventRecord
	for {
		page, err := db.ListEvents(t.Context(), &messages.EventQuery{Stream: name, AfterSeq: int64(len(all)), Limit: 50})
		require.NoError(t, err)
		for _, record := range page.GetItems() {
			require.Equal(t, int64(len(all)+1), record.GetSeq(), "position in %s", name)
			all = append(all, record)
		}
		if !page.GetMore() {
			return all
		}
	}
}
