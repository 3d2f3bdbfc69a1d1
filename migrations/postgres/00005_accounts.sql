-- +goose Up

-- Mails to be sent, and what addresses asked for. Whoever claims one has it until
-- due_at and is its next attempt. Params are sealed; no mail carries a secret.
CREATE TABLE mails (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    recipient  text NOT NULL,
    params     bytea NOT NULL,
    state      text NOT NULL DEFAULT 'queued', -- sent, answered, refused, expired
    attempt    bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    done_at    timestamptz,
    trace      text NOT NULL
);
CREATE INDEX idx_mails_due_at ON mails (due_at) WHERE done_at IS NULL;
CREATE INDEX idx_mails_done_at ON mails (done_at) WHERE done_at IS NOT NULL;

ALTER TABLE users ADD COLUMN links text NOT NULL DEFAULT '{}'; -- one-time links that are good, by their ids
ALTER TABLE users ADD COLUMN erased boolean NOT NULL DEFAULT false; -- nothing is left of who he was
ALTER TABLE sessions ADD COLUMN stepped_up_until timestamptz;
ALTER TABLE projects ADD COLUMN invitations jsonb NOT NULL DEFAULT '[]'; -- that wait
ALTER TABLE projects ADD COLUMN offer text NOT NULL DEFAULT '{}';         -- of ownership
CREATE INDEX idx_projects_invitations ON projects USING gin (invitations jsonb_path_ops) WHERE invitations <> '[]';
CREATE INDEX idx_users_created_at ON users (created_at DESC, id DESC);
INSERT INTO migration_floors VALUES (5, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 5;
DROP INDEX idx_users_created_at;
ALTER TABLE projects DROP COLUMN offer;
ALTER TABLE projects DROP COLUMN invitations;
ALTER TABLE sessions DROP COLUMN stepped_up_until;
ALTER TABLE users DROP COLUMN erased;
ALTER TABLE users DROP COLUMN links;
DROP TABLE mails;
