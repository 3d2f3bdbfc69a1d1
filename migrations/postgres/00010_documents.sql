-- +goose Up

-- Documents of projects: written by the project.
CREATE TABLE documents (
    id         uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name       text NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version    bigint NOT NULL,            -- of the name
    versions   int NOT NULL DEFAULT 0      -- of the content that users have made
);
CREATE INDEX idx_documents_project_id ON documents (project_id, created_at DESC, id DESC);
CREATE INDEX idx_documents_created_by ON documents (created_by, created_at DESC, id DESC);

-- Their contents: the rows of the document entities, made and removed with the
-- documents.
CREATE TABLE document_logs (
    id         uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    version    bigint NOT NULL DEFAULT 0,  -- position of the last update
    updated_at timestamptz,                -- null: nothing was written yet
    epoch      bigint NOT NULL DEFAULT 1,
    node       text
) WITH (fillfactor = 70);

-- Yjs updates that wait to be folded, and what was folded.
CREATE TABLE document_updates (
    document_id uuid NOT NULL REFERENCES document_logs (id) ON DELETE CASCADE,
    position    bigint NOT NULL,
    data        bytea NOT NULL,
    PRIMARY KEY (document_id, position)
);
CREATE TABLE document_contents (
    document_id uuid PRIMARY KEY REFERENCES document_logs (id) ON DELETE CASCADE,
    position    bigint NOT NULL,
    data        bytea NOT NULL
);

-- Versions: written by the project. Their contents come first, and count for
-- nothing until there is a version of the same id.
CREATE TABLE document_versions (
    id          uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    name        text NOT NULL,
    automatic   boolean NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    position    bigint NOT NULL,
    size        bigint NOT NULL
);
CREATE INDEX idx_document_versions_document_id ON document_versions (document_id, created_at DESC, id DESC);
CREATE INDEX idx_document_versions_automatic ON document_versions (created_at) WHERE automatic;
CREATE TABLE document_version_contents (
    id          uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    data        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_document_version_contents_document_id ON document_version_contents (document_id);
CREATE INDEX idx_document_version_contents_created_at ON document_version_contents (created_at);

INSERT INTO migration_floors VALUES (10, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 10;
DROP TABLE document_version_contents, document_versions, document_contents, document_updates, document_logs, documents;
