package sqlite

import (
	"context"
	"errors"
	"slices"
	"time"

	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

var (
	documentClaims = claimsOf("document_logs")
	selectDocument = stmt(`
		SELECT l.version, l.updated_at, l.epoch, c.position, c.data
		FROM document_logs l LEFT JOIN document_contents c ON c.document_id = l.id WHERE l.id = ?`)
	selectUpdates = stmt(`SELECT position, data FROM document_updates WHERE document_id = ? ORDER BY position`)
)

// Documents claims the rows of documents' contents.
func (db *DB) Documents() store.Claimer[*document.State] {
	return claimer[*document.State]{db, store.Document, documentClaims, loadDocument}
}

func loadDocument(c *connection, id string) (s *document.State, epoch int64, err error) {
	err = c.each(selectDocument, []any{id}, func(r *row) (err error) {
		position, updated := r.int(), r.time()
		epoch = r.int()
		s, err = document.Load(id, position, r.int(), updated, slices.Clone(r.blob()))
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	var updates []document.Update
	err = c.each(selectUpdates, []any{id}, func(r *row) error {
		updates = append(updates, document.Update{Position: r.int(), Data: slices.Clone(r.blob())})
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	fill, err := document.LoadUpdates(updates)
	if err == nil {
		fill(s)
	}
	return s, epoch, err
}

var (
	updateDocument = stmt(`UPDATE document_logs SET version = ?, updated_at = ? WHERE id = ? AND ` + held)
	insertUpdate   = stmt(`INSERT INTO document_updates (document_id, position, data) VALUES (?, ?, ?)`)
	foldUpdates    = stmt(`DELETE FROM document_updates WHERE document_id = ? AND position <= ?`)
	putContent     = stmt(`
		INSERT INTO document_contents (document_id, position, data) VALUES (?, ?, ?)
		ON CONFLICT (document_id) DO UPDATE SET position = excluded.position, data = excluded.data`)
)

func (c *connection) updateDocument(one *store.Commit, change *document.Change) (verdict, err error) {
	verdict, err = fenced(c.exec(updateDocument, change.Position, micros(change.UpdatedAt), one.ID, one.Epoch, one.Version))
	if verdict != nil || err != nil {
		return verdict, err
	}
	for _, u := range change.Added {
		if _, err := c.exec(insertUpdate, one.ID, u.Position, nonNil(u.Data)); err != nil {
			return nil, err
		}
	}
	if fold := change.Fold; fold != nil {
		if _, err := c.exec(foldUpdates, one.ID, fold.Position); err != nil {
			return nil, err
		}
		_, err = c.exec(putContent, one.ID, fold.Position, nonNil(fold.Data))
	}
	return nil, err
}

var (
	selectDocuments = stmt(`SELECT id, name, created_by, created_at, updated_at, version, versions FROM documents WHERE project_id = ?`)
	putDocument     = stmt(`
		INSERT INTO documents (id, project_id, name, created_by, created_at, updated_at, version, versions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at, version = excluded.version, versions = excluded.versions`)
	putLog         = stmt(`INSERT INTO document_logs (id) VALUES (?) ON CONFLICT (id) DO NOTHING`)
	removeDocument = stmt(`DELETE FROM documents WHERE id = ?`)
	insertVersion  = stmt(`
		INSERT INTO document_versions (id, document_id, name, automatic, created_by, created_at, position, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`)
)

func (c *connection) loadDocuments(s *project.State) error {
	var documents []project.Document
	err := c.each(selectDocuments, []any{string(s.ID)}, func(r *row) error {
		documents = append(documents, project.Document{
			ID: messages.DocumentID(r.text()), Name: r.text(), CreatedBy: messages.UserID(r.text()), CreatedAt: r.time(), UpdatedAt: r.time(),
			Version: r.int(), Versions: int(r.int()),
		})
		return nil
	})
	s.LoadDocuments(documents)
	return err
}

func (c *connection) changeDocuments(one *store.Commit, change *project.Change) error {
	for _, d := range change.Documents {
		_, err := c.exec(putDocument, string(d.ID), one.ID, d.Name, string(d.CreatedBy), stamp(d.CreatedAt), stamp(d.UpdatedAt), d.Version, int64(d.Versions))
		if err != nil {
			return err
		}
		if _, err := c.exec(putLog, string(d.ID)); err != nil {
			return err
		}
	}
	for _, v := range change.Versions {
		_, err := c.exec(insertVersion, v.ID, string(v.Document), v.Name, v.Automatic, string(v.CreatedBy), micros(v.CreatedAt), v.Position, v.Size)
		if err != nil {
			return err
		}
	}
	for _, id := range change.Undocumented {
		if _, err := c.exec(removeDocument, string(id)); err != nil {
			return err
		}
	}
	return nil
}

var (
	// One statement each: a reader sees no half of a fold. The updates are the rows,
	// and one more has the content.
	readDocument = stmt(`
		SELECT d.project_id, l.version, c.position, c.data, 0 AS number, NULL
		FROM document_logs l JOIN documents d ON d.id = l.id LEFT JOIN document_contents c ON c.document_id = l.id WHERE l.id = ?1
		UNION ALL
		SELECT NULL, NULL, NULL, NULL, u.position, u.data FROM document_updates u WHERE u.document_id = ?1
		ORDER BY number`)
	fenceDocument    = stmt(`UPDATE document_logs SET epoch = epoch + 1 WHERE id = ?`)
	documentPosition = stmt(`SELECT version FROM document_logs WHERE id = ?`)
	documentProject  = stmt(`SELECT project_id FROM documents WHERE id = ?`)
	putVersion       = stmt(`
		INSERT INTO document_version_contents (id, document_id, data, created_at) SELECT ?1, id, ?3, ?4 FROM documents WHERE id = ?2`)
	readVersion = stmt(`
		SELECT c.data FROM document_versions v JOIN document_version_contents c ON c.id = v.id WHERE v.id = ? AND v.document_id = ?`)
	lastVersion = stmt(`
		SELECT coalesce((SELECT max(created_at) FROM document_versions WHERE document_id = d.id), d.created_at) FROM documents d WHERE d.id = ?`)
	sweepAutomatic = stmt(`
		DELETE FROM document_versions WHERE id IN (SELECT id FROM document_versions WHERE automatic AND created_at < ? ORDER BY created_at LIMIT ?)`)
	sweepOrphans = stmt(`
		DELETE FROM document_version_contents WHERE id IN (
			SELECT c.id FROM document_version_contents c
			WHERE c.created_at < ? AND NOT EXISTS (SELECT 1 FROM document_versions v WHERE v.id = c.id) LIMIT ?)`)
)

// ReadDocument reads a document as it is stored; nil: there is none.
func (db *DB) ReadDocument(ctx context.Context, id string) (l *messages.DocumentLog, err error) {
	err = db.read(ctx, "read document", readDocument, []any{id}, func(r *row) error {
		projectID, position, folded, content, number, update := r.text(), r.int(), r.int(), r.blob(), r.int(), r.blob()
		if number > 0 {
			l.Updates = append(l.Updates, slices.Clone(update))
			return nil
		}
		l = &messages.DocumentLog{DocumentId: id, ProjectId: projectID, Position: position, Folded: folded, Content: slices.Clone(content)}
		return nil
	})
	return l, err
}

// DocumentPosition is the position of a document's last update, 0 where there is none.
func (db *DB) DocumentPosition(ctx context.Context, id string) (position int64, err error) {
	err = db.read(ctx, "position of a document", documentPosition, []any{id}, func(r *row) error { position = r.int(); return nil })
	return position, err
}

// DocumentProject is the project of a document, which never changes; empty: there is
// no such document.
func (db *DB) DocumentProject(ctx context.Context, id string) (projectID string, err error) {
	err = db.read(ctx, "project of a document", documentProject, []any{id}, func(r *row) error { projectID = r.text(); return nil })
	return projectID, err
}

// PutVersion stores a version's content, which counts once there is the version.
func (db *DB) PutVersion(ctx context.Context, id, documentID string, content []byte) error {
	return wrap("put version", db.write(ctx, flushed, func(c *connection) error {
		_, err := c.exec(putVersion, id, documentID, nonNil(content), time.Now().UnixMicro())
		return err
	}))
}

// ReadVersion is the content of a document's version; nil: there is none.
func (db *DB) ReadVersion(ctx context.Context, id, documentID string) (content []byte, err error) {
	err = db.read(ctx, "read version", readVersion, []any{id, documentID}, func(r *row) error { content = slices.Clone(r.blob()); return nil })
	return content, err
}

// LastVersion is when the newest version of a document was made, or the document
// where it has none.
func (db *DB) LastVersion(ctx context.Context, documentID string) (at time.Time, err error) {
	err = db.read(ctx, "last version", lastVersion, []any{documentID}, func(r *row) error { at = r.time(); return nil })
	return at, err
}

// FenceDocument has every change of a document that was decided and not written fail.
// One that is being written it waits for.
func (db *DB) FenceDocument(ctx context.Context, id string) error {
	err := db.write(ctx, unflushed, func(c *connection) error {
		_, err := c.exec(fenceDocument, id)
		return err
	})
	return wrap("fence document", err)
}

// SweepVersions removes automatic versions made before a time, and contents without a
// version that were stored before another, at most limit of each.
func (db *DB) SweepVersions(ctx context.Context, automatic, orphaned time.Time, limit int) (removed int, err error) {
	err = db.write(ctx, unflushed, func(c *connection) error {
		versions, err := c.exec(sweepAutomatic, automatic.UnixMicro(), int64(limit))
		contents, failed := c.exec(sweepOrphans, orphaned.UnixMicro(), int64(limit))
		removed = max(versions, contents)
		return errors.Join(err, failed)
	})
	return removed, wrap("sweep versions", err)
}
