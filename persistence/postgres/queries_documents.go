package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

const (
	listedDocuments = `SELECT id, project_id, name, created_by, created_at, updated_at, version FROM documents WHERE `
	newestFirst     = ` AND ($2::uuid IS NULL OR (created_at, id) < ($3, $2)) ORDER BY created_at DESC, id DESC LIMIT $4`
)

// ListDocuments pages through the documents of a project, or those that a user has
// made, newest first.
func (db *DB) ListDocuments(ctx context.Context, q *messages.DocumentQuery) (*messages.DocumentPage, error) {
	statement, of := listedDocuments+`project_id = $1`+newestFirst, any(key(q.GetProjectId()))
	if q.GetProjectId() == "" {
		statement, of = listedDocuments+`created_by = $1`+newestFirst, q.GetCreatedBy()
	}
	rows, err := db.reads.Query(ctx, statement, of, key(q.GetAfter().GetId()), micros(q.GetAfter().GetAt()), q.GetLimit()+1)
	if err != nil {
		return nil, asked("list documents", err)
	}
	page := &messages.DocumentPage{}
	page.Items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.Document, error) {
		d := &messages.Document{}
		var id, project pgtype.UUID
		var created, updated time.Time
		err := row.Scan(&id, &project, &d.Name, &d.CreatedBy, &created, &updated, &d.Version)
		d.Id, d.ProjectId, d.CreatedAt, d.UpdatedAt = text(id), text(project), messages.Micros(created), messages.Micros(updated)
		return d, err
	})
	if err != nil {
		return nil, asked("list documents", err)
	}
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, nil
}

// ListVersions pages through a document's versions, newest first.
func (db *DB) ListVersions(ctx context.Context, q *messages.VersionQuery) (*messages.VersionPage, error) {
	rows, err := db.reads.Query(ctx, `
		SELECT id, name, automatic, created_by, created_at, position, size FROM document_versions WHERE document_id = $1`+newestFirst,
		key(q.GetDocumentId()), key(q.GetAfter().GetId()), micros(q.GetAfter().GetAt()), q.GetLimit()+1)
	if err != nil {
		return nil, asked("list versions", err)
	}
	page := &messages.VersionPage{}
	page.Items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.DocumentVersion, error) {
		v := &messages.DocumentVersion{DocumentId: q.GetDocumentId()}
		var id pgtype.UUID
		var created time.Time
		err := row.Scan(&id, &v.Name, &v.Automatic, &v.CreatedBy, &created, &v.Position, &v.Size)
		v.Id, v.CreatedAt = text(id), messages.Micros(created)
		return v, err
	})
	if err != nil {
		return nil, asked("list versions", err)
	}
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, nil
}
