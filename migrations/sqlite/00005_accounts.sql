-- +goose Up

-- Mails to be sent, and what addresses asked for. Whoever claims one has it until
-- due_at and is its next attempt. Params are sealed; no mail carries a secret.
CREATE TABLE mails (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    params     BLOB NOT NULL,
    state      TEXT NOT NULL DEFAULT 'queued', -- sent, answered, refused, expired
    attempt    INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    done_at    INTEGER,
    trace      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_mails_due_at ON mails (due_at) WHERE done_at IS NULL;
CREATE INDEX idx_mails_done_at ON mails (done_at) WHERE done_at IS NOT NULL;

ALTER TABLE users ADD COLUMN links TEXT NOT NULL DEFAULT '{}'; -- one-time links that are good, by their ids
ALTER TABLE users ADD COLUMN erased INTEGER NOT NULL DEFAULT 0; -- nothing is left of who he was
ALTER TABLE sessions ADD COLUMN stepped_up_until INTEGER;
ALTER TABLE projects ADD COLUMN invitations TEXT NOT NULL DEFAULT '[]'; -- that wait
ALTER TABLE projects ADD COLUMN offer TEXT NOT NULL DEFAULT '{}';       -- of ownership
CREATE INDEX idx_projects_invitations ON projects (id) WHERE invitations <> '[]';
CREATE INDEX idx_users_created_at ON users (created_at DESC, id DESC);
INSERT INTO migration_floors VALUES (5, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 5;
DROP INDEX idx_users_created_at;
DROP INDEX idx_projects_invitations;
ALTER TABLE projects DROP COLUMN offer;
ALTER TABLE projects DROP COLUMN invitations;
ALTER TABLE sessions DROP COLUMN stepped_up_until;
ALTER TABLE users DROP COLUMN erased;
ALTER TABLE users DROP COLUMN links;
DROP TABLE mails;
