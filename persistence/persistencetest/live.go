package persistencetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/document"
	"atelier/messages"
)

// headsAndUpdates: the positions of many topics are found at once, and the updates
// of a document that follow one, as long as they are not folded.
func headsAndUpdates(t *testing.T, db *Database) {
	d, p := newDocument(t, db)
	other, _ := newDocument(t, db)
	heads := func(kind string, ids ...string) map[string]int64 {
		t.Helper()
		found, err := db.Heads(t.Context(), kind, ids)
		require.NoError(t, err)
		return found
	}
	require.Empty(t, heads(messages.TopicProject))
	require.Equal(t, map[string]int64{d.fence.ID: 0, other.fence.ID: 0}, heads(messages.TopicDocument, d.fence.ID, newID(), other.fence.ID))
	require.Equal(t, map[string]int64{p.fence.ID: p.state.Seq}, heads(messages.TopicProject, p.fence.ID, d.fence.ID))
	p.commit(t, db, later(2), renamed("other"))
	require.Equal(t, map[string]int64{p.fence.ID: p.state.Seq}, heads(messages.TopicProject, p.fence.ID))
	_, err := db.Heads(t.Context(), "session", []string{d.fence.ID})
	require.Error(t, err)

	written := []*messages.DocumentUpdated{typed(7, 0, "ab"), typed(7, 2, "cd"), typed(7, 4, "e")}
	for _, u := range written {
		d.commit(t, db, later(3), u)
	}
	require.Equal(t, map[string]int64{d.fence.ID: 3}, heads(messages.TopicDocument, d.fence.ID))
	updates := func(after int64, limit int) (positions []int64) {
		t.Helper()
		found, err := db.ListUpdates(t.Context(), d.fence.ID, after, limit)
		require.NoError(t, err)
		for _, u := range found {
			require.Equal(t, written[u.GetSeq()-1].GetUpdate(), u.GetData())
			require.Equal(t, "document.updated", u.GetType())
			positions = append(positions, u.GetSeq())
		}
		return positions
	}
	require.Equal(t, []int64{1, 2, 3}, updates(0, 10))
	require.Equal(t, []int64{2}, updates(1, 1))
	require.Empty(t, updates(3, 10))
	content, err := document.Content(&messages.DocumentLog{Updates: [][]byte{written[0].GetUpdate(), written[1].GetUpdate()}})
	require.NoError(t, err)
	d.commit(t, db, later(4), &messages.DocumentFolded{Position: 2, Content: content})
	require.Equal(t, []int64{3}, updates(0, 10), "what was folded is no update any more")
	require.Equal(t, map[string]int64{d.fence.ID: 3}, heads(messages.TopicDocument, d.fence.ID))

	p.commit(t, db, later(5), &messages.ProjectDeleted{ProjectId: p.fence.ID})
	require.Empty(t, heads(messages.TopicDocument, d.fence.ID))
	require.Empty(t, heads(messages.TopicProject, p.fence.ID))
}
