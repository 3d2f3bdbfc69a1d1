package persistencetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

func documentCreated(by string) *messages.DocumentCreated {
	return &messages.DocumentCreated{DocumentId: newID(), Name: "Minutes \"of\" 日本", CreatedBy: by}
}

// typed is a Yjs update: a client has written a text behind what it wrote before.
func typed(client, clock byte, text string) *messages.DocumentUpdated {
	b := []byte{1, 1, client, clock}
	if clock == 0 {
		b = append(b, 4, 1, 1, 't')
	} else {
		b = append(b, 0x84, client, clock-1)
	}
	b = append(append(b, byte(len(text))), text...)
	return &messages.DocumentUpdated{Update: append(b, 0), UserId: "user"}
}

// newDocument is a document of a new project, as its entity begins with it.
func newDocument(t testing.TB, db *Database) (*entity[*document.State], *entity[*project.State]) {
	t.Helper()
	p, owner := newUserProject(t, db, "n1")
	d := documentCreated(owner.fence.ID)
	p.commit(t, db, later(1), d)
	e := &entity[*document.State]{fence: store.Fence{Kind: store.Document, ID: d.GetDocumentId()}, stream: document.Stream, changes: document.Changes}
	return e.claimed(t, db.Documents(), "n1"), p
}

// documentsOfProjects: the project's commits make, rename and remove documents, and
// a claim and the lists show them.
func documentsOfProjects(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	stale := p.copy()
	first, second, brief := documentCreated(owner.fence.ID), documentCreated(owner.fence.ID), documentCreated(owner.fence.ID)
	p.commit(t, db, later(1), first)
	p.commit(t, db, later(2), second, brief, &messages.DocumentDeleted{DocumentId: brief.GetDocumentId()})
	p.commit(t, db, later(3), &messages.DocumentRenamed{DocumentId: first.GetDocumentId(), Name: "Other"})
	again := p.claimed(t, db.Projects(), "n1")
	same(t, p.state, again.state)
	p = again
	list := func(q *messages.DocumentQuery) (ids []string) {
		q.Limit = 1
		for _, d := range pages(t, func(after *messages.PageKey) ([]*messages.Document, *messages.PageKey) {
			q.After = after
			page, err := db.ListDocuments(t.Context(), q)
			require.NoError(t, err)
			return page.GetItems(), page.GetNext()
		}, nil) {
			want := p.state.Documents()[messages.DocumentID(d.GetId())]
			require.Equal(t, want, project.Document{
				ID: messages.DocumentID(d.GetId()), Name: d.GetName(), CreatedBy: messages.UserID(d.GetCreatedBy()),
				CreatedAt: messages.Time(d.GetCreatedAt()), UpdatedAt: messages.Time(d.GetUpdatedAt()), Version: d.GetVersion(),
			})
			require.Equal(t, p.fence.ID, d.GetProjectId())
			ids = append(ids, d.GetId())
		}
		return ids
	}
	newest := []string{second.GetDocumentId(), first.GetDocumentId()}
	require.Equal(t, newest, list(&messages.DocumentQuery{ProjectId: p.fence.ID}))
	require.Equal(t, newest, list(&messages.DocumentQuery{CreatedBy: owner.fence.ID}))
	of, err := db.DocumentProject(t.Context(), first.GetDocumentId())
	require.NoError(t, err)
	require.Equal(t, p.fence.ID, of)

	late := documentCreated(owner.fence.ID)
	fenced(t, results(t, db, stale.fly(later(4), late).commit)[0])
	fenced(t, results(t, db, stale.fly(later(4), &messages.DocumentDeleted{DocumentId: first.GetDocumentId()}).commit)[0])
	of, err = db.DocumentProject(t.Context(), late.GetDocumentId())
	require.NoError(t, err)
	require.Empty(t, of, "a fenced commit leaves no document")
	_, err = db.Documents().Claim(t.Context(), late.GetDocumentId(), "n1")
	require.ErrorIs(t, err, store.ErrNotFound)

	p.commit(t, db, later(5), &messages.DocumentDeleted{DocumentId: second.GetDocumentId()})
	require.Equal(t, newest[1:], list(&messages.DocumentQuery{ProjectId: p.fence.ID}))
	p.commit(t, db, later(6), &messages.ProjectDeleted{ProjectId: p.fence.ID})
	require.Empty(t, list(&messages.DocumentQuery{CreatedBy: owner.fence.ID}))
	_, err = db.Documents().Claim(t.Context(), first.GetDocumentId(), "n1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func read(t testing.TB, db Engine, id string) *messages.DocumentLog {
	t.Helper()
	l, err := db.ReadDocument(t.Context(), id)
	require.NoError(t, err)
	position, err := db.DocumentPosition(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, l.GetPosition(), position)
	return l
}

// documentLogs: updates are appended and folded under the fence, and read whole.
func documentLogs(t *testing.T, db *Database) {
	d, p := newDocument(t, db)
	empty := read(t, db, d.fence.ID)
	require.Equal(t, p.fence.ID, empty.GetProjectId())
	require.Zero(t, empty.GetPosition())
	require.Empty(t, empty.GetUpdates())

	a, b, c := typed(7, 0, "ab"), typed(7, 2, "cd"), typed(7, 4, "e")
	write1 := d.decide(later(2), func(*document.State) []messages.Event { return []messages.Event{a} }, func(*document.State) []messages.Event { return []messages.Event{b} })
	write(t, db, write1.commit)
	d.land(write1)
	stale := d.copy()
	d.commit(t, db, later(3), c)
	fenced(t, results(t, db, stale.fly(later(4), typed(8, 0, "late")).commit)[0])
	l := read(t, db, d.fence.ID)
	require.Equal(t, [][]byte{a.GetUpdate(), b.GetUpdate(), c.GetUpdate()}, l.GetUpdates())
	require.Equal(t, int64(3), l.GetPosition())
	sameDocument(t, d, d.claimed(t, db.Documents(), "n1"))

	decided := d.fly(later(4), typed(8, 0, "late"))
	require.NoError(t, db.FenceDocument(t.Context(), d.fence.ID))
	fenced(t, results(t, db, decided.commit)[0])
	require.Equal(t, int64(3), read(t, db, d.fence.ID).GetPosition())
	require.NoError(t, db.FenceDocument(t.Context(), newID()), "there is none to fence")

	folded, err := document.Content(&messages.DocumentLog{Updates: l.GetUpdates()[:2]})
	require.NoError(t, err)
	d = d.claimed(t, db.Documents(), "n2")
	d.commit(t, db, later(5), &messages.DocumentFolded{Position: 2, Content: folded})
	fenced(t, results(t, db, stale.fly(later(6), &messages.DocumentFolded{Position: 3, Content: folded}).commit)[0])
	l = read(t, db, d.fence.ID)
	require.Equal(t, folded, l.GetContent())
	require.Equal(t, int64(2), l.GetFolded())
	require.Equal(t, [][]byte{c.GetUpdate()}, l.GetUpdates())
	sameDocument(t, d, d.claimed(t, db.Documents(), "n2"))

	// Folded and written to in one flight, in one group with another document.
	other, _ := newDocument(t, db)
	whole, err := document.Content(l)
	require.NoError(t, err)
	d = d.claimed(t, db.Documents(), "n2")
	first, second := d.fly(later(7), &messages.DocumentFolded{Position: 3, Content: whole}, typed(7, 5, "f")), other.fly(later(7), typed(9, 0, "z"))
	write(t, db, first.commit, second.commit)
	d.land(first)
	other.land(second)
	sameDocument(t, d, d.claimed(t, db.Documents(), "n2"))
	sameDocument(t, other, other.claimed(t, db.Documents(), "n2"))
	require.Len(t, read(t, db, d.fence.ID).GetUpdates(), 1)

	d = d.claimed(t, db.Documents(), "n1")
	p.commit(t, db, later(8), &messages.DocumentDeleted{DocumentId: d.fence.ID})
	fenced(t, results(t, db, d.fly(later(9), typed(7, 6, "g")).commit)[0])
	require.Nil(t, read(t, db, d.fence.ID))
	require.NotNil(t, read(t, db, other.fence.ID))
}

func sameDocument(t testing.TB, want, got *entity[*document.State]) {
	t.Helper()
	require.Equal(t, want.state.Vector(), got.state.Vector())
	require.Equal(t, want.state.Position, got.state.Position)
	require.Equal(t, want.state.Folded, got.state.Folded)
	require.Equal(t, want.state.Size, got.state.Size)
	require.Equal(t, want.state.LastChange(), got.state.LastChange())
}

// documentVersions: a version's content lies ready before the version, and goes
// with it.
func documentVersions(t *testing.T, db *Database) {
	d, p := newDocument(t, db)
	last, err := db.LastVersion(t.Context(), d.fence.ID)
	require.NoError(t, err)
	require.Equal(t, later(1), last, "without a version: when it was made")
	keep := func(name string, at time.Time) *messages.DocumentVersionCreated {
		v := &messages.DocumentVersionCreated{DocumentId: d.fence.ID, VersionId: newID(), Name: name, Automatic: name == "", CreatedBy: "user", Position: 3, Size: 4}
		require.NoError(t, db.PutVersion(t.Context(), v.GetVersionId(), d.fence.ID, []byte("content of "+name)))
		none, err := db.ReadVersion(t.Context(), v.GetVersionId(), d.fence.ID)
		require.NoError(t, err)
		require.Nil(t, none, "there is no such version yet")
		p.commit(t, db, at, v)
		return v
	}
	named, automatic := keep("Draft", later(2)), keep("", later(3))
	same(t, p.state, p.claimed(t, db.Projects(), "n1").state)
	last, err = db.LastVersion(t.Context(), d.fence.ID)
	require.NoError(t, err)
	require.Equal(t, later(3), last)
	content, err := db.ReadVersion(t.Context(), named.GetVersionId(), d.fence.ID)
	require.NoError(t, err)
	require.Equal(t, "content of Draft", string(content))
	content, err = db.ReadVersion(t.Context(), named.GetVersionId(), newID())
	require.NoError(t, err)
	require.Nil(t, content, "a version of another document")
	list := func() (ids []string) {
		for _, v := range pages(t, func(after *messages.PageKey) ([]*messages.DocumentVersion, *messages.PageKey) {
			page, err := db.ListVersions(t.Context(), &messages.VersionQuery{DocumentId: d.fence.ID, Limit: 1, After: after})
			require.NoError(t, err)
			return page.GetItems(), page.GetNext()
		}, nil) {
			require.Equal(t, v.GetName() == "", v.GetAutomatic())
			require.Equal(t, []int64{3, 4}, []int64{v.GetPosition(), v.GetSize()})
			ids = append(ids, v.GetId())
		}
		return ids
	}
	require.Equal(t, []string{automatic.GetVersionId(), named.GetVersionId()}, list())
	// What was made before a time goes, but for what users have named.
	for removed := 1; removed > 0; {
		removed, err = db.SweepVersions(t.Context(), later(4), time.Now().Add(time.Hour), 1)
		require.NoError(t, err)
	}
	require.Equal(t, []string{named.GetVersionId()}, list())
	content, err = db.ReadVersion(t.Context(), named.GetVersionId(), d.fence.ID)
	require.NoError(t, err)
	require.NotNil(t, content)
	require.NoError(t, db.PutVersion(t.Context(), newID(), newID(), []byte("x")), "of a document that is gone: nothing")
}
