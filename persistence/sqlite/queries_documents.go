package sqlite

import (
	"context"

	"atelier/messages"
)

const (
	listedDocuments = `SELECT id, project_id, name, created_by, created_at, updated_at, version FROM documents WHERE `
	listedVersions  = `SELECT id, document_id, name, automatic, created_by, created_at, position, size FROM document_versions WHERE document_id = ?1`
	beyond          = ` AND (created_at, id) < (?3, ?4)`
	newest          = ` ORDER BY created_at DESC, id DESC LIMIT ?2`
)

var (
	documentsOf       = [2]*statement{stmt(listedDocuments + `project_id = ?1` + newest), stmt(listedDocuments + `project_id = ?1` + beyond + newest)}
	documentsByAuthor = [2]*statement{stmt(listedDocuments + `created_by = ?1` + newest), stmt(listedDocuments + `created_by = ?1` + beyond + newest)}
	versionsOf        = [2]*statement{stmt(listedVersions + newest), stmt(listedVersions + beyond + newest)}
)

// paged chooses the statement of the first page or of the next ones.
func paged(by [2]*statement, of string, limit int32, after *messages.PageKey) (*statement, []any) {
	args := []any{of, int64(limit) + 1}
	if after == nil {
		return by[0], args
	}
	return by[1], append(args, after.GetAt(), after.GetId())
}

// ListDocuments pages through the documents of a project, or those that a user has
// made, newest first.
func (db *DB) ListDocuments(ctx context.Context, q *messages.DocumentQuery) (*messages.DocumentPage, error) {
	by, of := documentsOf, q.GetProjectId()
	if of == "" {
		by, of = documentsByAuthor, q.GetCreatedBy()
	}
	statement, args := paged(by, of, q.GetLimit(), q.GetAfter())
	page := &messages.DocumentPage{}
	err := db.read(ctx, "list documents", statement, args, func(r *row) error {
		page.Items = append(page.Items, &messages.Document{
			Id: r.text(), ProjectId: r.text(), Name: r.text(), CreatedBy: r.text(), CreatedAt: r.int(), UpdatedAt: r.int(), Version: r.int(),
		})
		return nil
	})
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, err
}

// ListVersions pages through a document's versions, newest first.
func (db *DB) ListVersions(ctx context.Context, q *messages.VersionQuery) (*messages.VersionPage, error) {
	statement, args := paged(versionsOf, q.GetDocumentId(), q.GetLimit(), q.GetAfter())
	page := &messages.VersionPage{}
	err := db.read(ctx, "list versions", statement, args, func(r *row) error {
		page.Items = append(page.Items, &messages.DocumentVersion{
			Id: r.text(), DocumentId: r.text(), Name: r.text(), Automatic: r.bool(), CreatedBy: r.text(), CreatedAt: r.int(), Position: r.int(), Size: r.int(),
		})
		return nil
	})
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByCreation)
	return page, err
}
