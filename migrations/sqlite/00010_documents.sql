-- +goose Up

-- Documents of projects: written by the project.
CREATE TABLE documents (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,           -- of the name
    versions   INTEGER NOT NULL DEFAULT 0  -- of the content that users have made
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_documents_project_id ON documents (project_id, created_at DESC, id DESC);
CREATE INDEX idx_documents_created_by ON documents (created_by, created_at DESC, id DESC);

-- Their contents: the rows of the document entities, made and removed with the
-- documents.
CREATE TABLE document_logs (
    id         TEXT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL DEFAULT 0, -- position of the last update
    updated_at INTEGER,                    -- null: nothing was written yet
    epoch      INTEGER NOT NULL DEFAULT 1,
    node       TEXT
) STRICT, WITHOUT ROWID;

-- Yjs updates that wait to be folded, and what was folded.
CREATE TABLE document_updates (
    document_id TEXT NOT NULL REFERENCES document_logs (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    data        BLOB NOT NULL,
    PRIMARY KEY (document_id, position)
) STRICT;
CREATE TABLE document_contents (
    document_id TEXT PRIMARY KEY REFERENCES document_logs (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    data        BLOB NOT NULL
) STRICT;

-- Versions: written by the project. Their contents come first, and count for
-- nothing until there is a version of the same id.
CREATE TABLE document_versions (
    id          TEXT PRIMARY KEY,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    automatic   INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    size        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_document_versions_document_id ON document_versions (document_id, created_at DESC, id DESC);
CREATE INDEX idx_document_versions_automatic ON document_versions (created_at) WHERE automatic;
CREATE TABLE document_version_contents (
    id          TEXT PRIMARY KEY,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    data        BLOB NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_document_version_contents_document_id ON document_version_contents (document_id);
CREATE INDEX idx_document_version_contents_created_at ON document_version_contents (created_at);

INSERT INTO migration_floors VALUES (10, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 10;
DROP TABLE document_version_contents;
DROP TABLE document_versions;
DROP TABLE document_contents;
DROP TABLE document_updates;
DROP TABLE document_logs;
DROP TABLE documents;
