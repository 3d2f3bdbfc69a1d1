package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

const (
	loadDocument = `
		SELECT l.version, l.updated_at, coalesce(c.position, 0), c.data
		FROM document_logs l LEFT JOIN document_contents c ON c.document_id = l.id WHERE l.id = $1`
	loadUpdates = `SELECT position, data FROM document_updates WHERE document_id = $1 ORDER BY position`
)

// Documents claims the rows of documents' contents.
func (db *DB) Documents() store.Claimer[*document.State] {
	return claimer[*document.State]{
		db: db, kind: store.Document, table: "document_logs", load: loadDocument, row: readDocument,
		loads: []rest[*document.State]{{loadUpdates, readUpdates}},
	}
}

func readDocument(row pgx.Row, id string) (*document.State, int64, error) {
	var position, folded int64
	var updated *time.Time
	var content []byte
	if err := row.Scan(&position, &updated, &folded, &content); err != nil {
		return nil, 0, err
	}
	var at time.Time
	if updated != nil {
		at = updated.UTC()
	}
	s, err := document.Load(id, position, folded, at, content)
	return s, position, err
}

func readUpdates(rows pgx.Rows) (func(*document.State), error) {
	updates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[document.Update])
	if err != nil {
		return nil, err
	}
	return document.LoadUpdates(updates)
}

// updateDocuments appends to the logs. The updates are an input of their own.
var updateDocuments = variants(func(q *composition) string {
	q.input("c", append(fence, "next bigint", "updated_at timestamptz")...)
	q.input("u", "n int", "document_id uuid", "position bigint", "data bytea")
	q.commands()
	q.table("done", `
		UPDATE document_logs p SET version = c.next, updated_at = c.updated_at
		FROM c WHERE `+byID+` AND `+held+` AND `+q.free()+` RETURNING c.id`)
	q.failedRows()
	q.table("appended", `INSERT INTO document_updates (document_id, position, data) SELECT document_id, position, data FROM u`+q.applied())
	q.record()
	q.remember()
	return q.text()
})

func updateDocumentArgs(a *arguments, flights []flight) {
	type appended struct {
		flight
		document.Update
	}
	var all []appended
	row := func(f flight) *document.Change { return f.commit.Change.(*document.Change) }
	for _, f := range flights {
		for _, u := range row(f).Added {
			all = append(all, appended{f, u})
		}
	}
	a.fences(flights)
	a.add(0,
		int8s(flights, func(f flight) int64 { return row(f).Position }),
		times(flights, func(f flight) pgtype.Timestamptz { return micros(row(f).UpdatedAt) }),
		int4s(all, func(u appended) int32 { return u.n }),
		uuids(all, func(u appended) pgtype.UUID { return u.id }),
		int8s(all, func(u appended) int64 { return u.Position }),
		byteas(all, func(u appended) []byte { return u.Data }))
	a.commands(flights)
	a.events(flights)
}

// Statements that follow those of the rows that they belong to look whether these
// were written: with the fence's epoch, nobody else can have brought a row to the
// version that follows.
const (
	writtenProject  = ` WHERE EXISTS (SELECT 1 FROM projects p WHERE p.id = c.owner AND p.epoch = c.epoch AND p.version = c.next OFFSET 0)`
	writtenDocument = ` WHERE EXISTS (SELECT 1 FROM document_logs p WHERE p.id = c.owner AND p.epoch = c.epoch AND p.version = c.next OFFSET 0)`
	ownedColumns    = `SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], `

	foldContents = `
		WITH c AS (` + ownedColumns + `$4::bigint[], $5::bytea[]) AS c(owner, epoch, next, position, data)),
		folded AS (SELECT owner, position, data FROM c` + writtenDocument + `),
		gone AS (DELETE FROM document_updates WHERE ctid = ANY (ARRAY(
			SELECT u.row FROM folded CROSS JOIN LATERAL (SELECT ctid AS row FROM document_updates u
				WHERE u.document_id = folded.owner AND u.position <= folded.position OFFSET 0) u)))
		INSERT INTO document_contents (document_id, position, data) SELECT owner, position, data FROM folded
		ON CONFLICT (document_id) DO UPDATE SET position = excluded.position, data = excluded.data`

	putDocuments = `
		WITH c AS (` + ownedColumns + `$4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::int[])
			AS c(owner, epoch, next, id, name, created_by, created_at, updated_at, version, versions)),
		put AS (INSERT INTO documents (id, project_id, name, created_by, created_at, updated_at, version, versions)
			SELECT id, owner, name, created_by, created_at, updated_at, version, versions FROM c` + writtenProject + `
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at, version = excluded.version, versions = excluded.versions
			RETURNING id)
		INSERT INTO document_logs (id) SELECT id FROM put ON CONFLICT (id) DO NOTHING`

	removeDocuments = `
		WITH c AS (` + ownedColumns + `$4::uuid[]) AS c(owner, epoch, next, id))
		DELETE FROM documents WHERE ctid = ANY (ARRAY(
			SELECT d.row FROM (SELECT id FROM c` + writtenProject + `) c CROSS JOIN LATERAL (SELECT ctid AS row FROM documents d WHERE d.id = c.id OFFSET 0) d))`

	putVersions = `
		WITH c AS (` + ownedColumns + `$4::uuid[], $5::uuid[], $6::text[], $7::boolean[], $8::text[], $9::timestamptz[], $10::bigint[], $11::bigint[])
			AS c(owner, epoch, next, id, document_id, name, automatic, created_by, created_at, position, size))
		INSERT INTO document_versions (id, document_id, name, automatic, created_by, created_at, position, size)
		SELECT id, document_id, name, automatic, created_by, created_at, position, size FROM c` + writtenProject + `
		ON CONFLICT (id) DO NOTHING`
)

// owned is what belongs to the row of a commit.
type owned[V any] struct {
	flight
	value V
}

func ownedBy[V any](flights []flight, of func(flight) []V) (all []owned[V]) {
	for _, f := range flights {
		for _, v := range of(f) {
			all = append(all, owned[V]{f, v})
		}
	}
	return all
}

// owners are the inputs that say which row must have been written.
func owners[V any](all []owned[V], more ...input) []input {
	return append([]input{
		uuids(all, func(o owned[V]) pgtype.UUID { return o.id }),
		int8s(all, func(o owned[V]) int64 { return max(1, o.commit.Epoch) }),
		int8s(all, func(o owned[V]) int64 { return o.commit.Next }),
	}, more...)
}

func (b *batch) foldDocuments(flights []flight) {
	folds := ownedBy(flights, func(f flight) []document.Update {
		if fold := f.commit.Change.(*document.Change).Fold; fold != nil {
			return []document.Update{*fold}
		}
		return nil
	})
	if len(folds) > 0 {
		b.follow(foldContents, owners(folds,
			int8s(folds, func(o owned[document.Update]) int64 { return o.value.Position }),
			byteas(folds, func(o owned[document.Update]) []byte { return o.value.Data }))...)
	}
}

// projectDocuments writes what commits of projects change of their documents.
func (b *batch) projectDocuments(s *sorted) {
	flights := append(append([]flight(nil), s.newProjects...), s.projects...)
	type put = owned[project.Document]
	if puts := ownedBy(flights, func(f flight) []project.Document { return changeOf(f).Documents }); len(puts) > 0 {
		b.follow(putDocuments, owners(puts,
			uuids(puts, func(o put) pgtype.UUID { return key(string(o.value.ID)) }),
			texts(puts, func(o put) string { return o.value.Name }),
			texts(puts, func(o put) string { return string(o.value.CreatedBy) }),
			times(puts, func(o put) pgtype.Timestamptz { return stamp(o.value.CreatedAt) }),
			times(puts, func(o put) pgtype.Timestamptz { return stamp(o.value.UpdatedAt) }),
			int8s(puts, func(o put) int64 { return o.value.Version }),
			int4s(puts, func(o put) int32 { return int32(o.value.Versions) }))...)
	}
	type version = owned[project.Version]
	if kept := ownedBy(flights, func(f flight) []project.Version { return changeOf(f).Versions }); len(kept) > 0 {
		b.follow(putVersions, owners(kept,
			uuids(kept, func(o version) pgtype.UUID { return key(o.value.ID) }),
			uuids(kept, func(o version) pgtype.UUID { return key(string(o.value.Document)) }),
			texts(kept, func(o version) string { return o.value.Name }),
			bools(kept, func(o version) bool { return o.value.Automatic }),
			texts(kept, func(o version) string { return string(o.value.CreatedBy) }),
			times(kept, func(o version) pgtype.Timestamptz { return micros(o.value.CreatedAt) }),
			int8s(kept, func(o version) int64 { return o.value.Position }),
			int8s(kept, func(o version) int64 { return o.value.Size }))...)
	}
	type out = owned[messages.DocumentID]
	if outs := ownedBy(flights, func(f flight) []messages.DocumentID { return changeOf(f).Undocumented }); len(outs) > 0 {
		b.follow(removeDocuments, owners(outs, uuids(outs, func(o out) pgtype.UUID { return key(string(o.value)) }))...)
	}
}

// readDocuments are the documents of a claimed project.
func readDocuments(rows pgx.Rows) (func(*project.State), error) {
	documents, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d project.Document, err error) {
		var id pgtype.UUID
		err = row.Scan(&id, &d.Name, &d.CreatedBy, &d.CreatedAt, &d.UpdatedAt, &d.Version, &d.Versions)
		d.ID, d.CreatedAt, d.UpdatedAt = messages.DocumentID(text(id)), d.CreatedAt.UTC(), d.UpdatedAt.UTC()
		return d, err
	})
	return func(s *project.State) { s.LoadDocuments(documents) }, err
}

// ReadDocument reads a document as it is stored; nil: there is none. It is one
// statement, and so sees no half of a fold.
func (db *DB) ReadDocument(ctx context.Context, id string) (*messages.DocumentLog, error) {
	l := &messages.DocumentLog{DocumentId: id}
	var projectID pgtype.UUID
	err := db.reads.QueryRow(ctx, `
		SELECT d.project_id, l.version, coalesce(c.position, 0), c.data,
			ARRAY(SELECT u.data FROM document_updates u WHERE u.document_id = l.id ORDER BY u.position)
		FROM document_logs l JOIN documents d ON d.id = l.id LEFT JOIN document_contents c ON c.document_id = l.id
		WHERE l.id = $1`, key(id)).Scan(&projectID, &l.Position, &l.Folded, &l.Content, &l.Updates)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	l.ProjectId = text(projectID)
	return l, asked("read document", err)
}

// DocumentPosition is the position of a document's last update, 0 where there is none.
func (db *DB) DocumentPosition(ctx context.Context, id string) (position int64, err error) {
	err = db.reads.QueryRow(ctx, `SELECT version FROM document_logs WHERE id = $1`, key(id)).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return position, asked("position of a document", err)
}

// DocumentProject is the project of a document, which never changes; empty: there is
// no such document.
func (db *DB) DocumentProject(ctx context.Context, id string) (projectID string, err error) {
	var found pgtype.UUID
	err = db.reads.QueryRow(ctx, `SELECT project_id FROM documents WHERE id = $1`, key(id)).Scan(&found)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", asked("project of a document", err)
	}
	return text(found), nil
}

// FenceDocument has every change of a document that was decided and not written fail.
// One that is being written it waits for.
func (db *DB) FenceDocument(ctx context.Context, id string) error {
	_, err := db.claims.Exec(ctx, `UPDATE document_logs SET epoch = epoch + 1 WHERE id = $1`, key(id))
	return wrap("fence document", err)
}

// PutVersion stores a version's content, which counts once there is the version.
func (db *DB) PutVersion(ctx context.Context, id, documentID string, content []byte) error {
	_, err := db.reads.Exec(ctx, `
		INSERT INTO document_version_contents (id, document_id, data) SELECT $1, id, $3 FROM documents WHERE id = $2`,
		key(id), key(documentID), nonNil(content))
	return asked("put version", err)
}

// ReadVersion is the content of a document's version; nil: there is none.
func (db *DB) ReadVersion(ctx context.Context, id, documentID string) (content []byte, err error) {
	err = db.reads.QueryRow(ctx, `
		SELECT c.data FROM document_versions v JOIN document_version_contents c ON c.id = v.id WHERE v.id = $1 AND v.document_id = $2`,
		key(id), key(documentID)).Scan(&content)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return nonNil(content), asked("read version", err)
}

// LastVersion is when the newest version of a document was made, or the document
// where it has none.
func (db *DB) LastVersion(ctx context.Context, documentID string) (at time.Time, err error) {
	err = db.reads.QueryRow(ctx, `
		SELECT coalesce((SELECT max(created_at) FROM document_versions WHERE document_id = d.id), d.created_at) FROM documents d WHERE d.id = $1`,
		key(documentID)).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	return at.UTC(), asked("last version", err)
}

// SweepVersions removes automatic versions made before a time, and contents without a
// version that were stored before another, at most limit of each.
func (db *DB) SweepVersions(ctx context.Context, automatic, orphaned time.Time, limit int) (removed int, err error) {
	tag, err := db.writes.Exec(ctx, `
		DELETE FROM document_versions WHERE id = ANY (ARRAY(
			SELECT id FROM document_versions WHERE automatic AND created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, automatic, limit)
	if err != nil {
		return 0, wrap("sweep versions", err)
	}
	removed = int(tag.RowsAffected())
	tag, err = db.writes.Exec(ctx, `
		DELETE FROM document_version_contents WHERE id = ANY (ARRAY(
			SELECT c.id FROM document_version_contents c
			WHERE c.created_at < $1 AND NOT EXISTS (SELECT 1 FROM document_versions v WHERE v.id = c.id OFFSET 0) LIMIT $2 FOR UPDATE SKIP LOCKED))`, orphaned, limit)
	return max(removed, int(tag.RowsAffected())), wrap("sweep versions", err)
}
