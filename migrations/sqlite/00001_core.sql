-- +goose Up

-- Rows of entities carry version (what clients see), epoch (raised by every
-- claim; the fence of every commit) and node (who claimed last; null: nobody).
-- Times are microseconds since the epoch, ids canonical UUID texts.

CREATE TABLE users (
    id                 TEXT PRIMARY KEY,
    email              TEXT UNIQUE NOT NULL, -- normalised
    name               TEXT NOT NULL,
    status             TEXT NOT NULL DEFAULT 'pending',
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    last_login         INTEGER,
    email_typed        TEXT NOT NULL DEFAULT '',
    status_before      TEXT NOT NULL DEFAULT '',
    roles              TEXT NOT NULL DEFAULT '["user"]',
    profile            TEXT NOT NULL DEFAULT '{}',
    preferences        TEXT NOT NULL DEFAULT '{}',
    suspension         TEXT NOT NULL DEFAULT '{}',
    password_hash      TEXT NOT NULL DEFAULT '',
    credential_version INTEGER NOT NULL DEFAULT 1,
    auth_epoch         INTEGER NOT NULL DEFAULT 1,
    version            INTEGER NOT NULL DEFAULT 1,
    seq                INTEGER NOT NULL DEFAULT 0,
    epoch              INTEGER NOT NULL DEFAULT 1,
    node               TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_users_status ON users (status);
CREATE INDEX idx_users_admins ON users (id) WHERE instr(roles, '"admin"') > 0;

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    amr          TEXT NOT NULL,
    auth_epoch   INTEGER NOT NULL,
    generation   INTEGER NOT NULL DEFAULT 0, -- of the newest refresh token
    rotations    TEXT NOT NULL DEFAULT '[]',
    ended_at     INTEGER,
    end_reason   TEXT NOT NULL DEFAULT '',
    version      INTEGER NOT NULL DEFAULT 1,
    epoch        INTEGER NOT NULL DEFAULT 1,
    node         TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_sessions_open ON sessions (user_id, created_at DESC, id DESC) WHERE ended_at IS NULL;

CREATE TABLE projects (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT,
    owner_id    TEXT NOT NULL REFERENCES users (id),
    status      TEXT NOT NULL DEFAULT 'draft',
    settings    TEXT NOT NULL DEFAULT '{}',
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL DEFAULT 1,
    seq         INTEGER NOT NULL DEFAULT 0,
    epoch       INTEGER NOT NULL DEFAULT 1,
    node        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_projects_owner_id ON projects (owner_id, created_at DESC, id DESC);
CREATE INDEX idx_projects_status ON projects (status);

CREATE TABLE project_collaborators (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL DEFAULT 'collaborator',
    added_at   INTEGER NOT NULL,
    added_by   TEXT,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_project_collaborators_user_id ON project_collaborators (user_id);
CREATE INDEX idx_project_collaborators_added_at ON project_collaborators (project_id, added_at, user_id);

-- The log. A stream has one writer, which counts seq.
CREATE TABLE events (
    id          TEXT NOT NULL, -- unique for as long as the outbox has it; nothing is found by it
    stream      TEXT NOT NULL, -- users/<id> or projects/<id>
    seq         INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    type        TEXT NOT NULL,
    data        TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    trace       TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

-- What the relay has yet to publish.
CREATE TABLE outbox (
    event_id   TEXT PRIMARY KEY,
    shard      INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Commands that were carried out, with their replies.
CREATE TABLE commands (
    principal   TEXT NOT NULL, -- user id, or '' without one
    command_id  TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    reply       BLOB NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (principal, command_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_commands_expires_at ON commands (expires_at);

CREATE TABLE nodes (
    name        TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL,
    cluster     TEXT NOT NULL,
    address     TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    dead        INTEGER NOT NULL,
    exclusive   INTEGER NOT NULL -- others are refused what this node claimed
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    kid          TEXT PRIMARY KEY,
    use          TEXT NOT NULL,
    public       BLOB NOT NULL,
    sealed       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    retires_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE installation (
    one        INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    log        TEXT NOT NULL, -- identity of the event log
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO installation (log, created_at) VALUES (
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    CAST(unixepoch('subsec') * 1000000 AS INTEGER));

-- +goose Down
DROP TABLE installation;
DROP TABLE signing_keys;
DROP TABLE nodes;
DROP TABLE commands;
DROP TABLE outbox;
DROP TABLE events;
DROP TABLE project_collaborators;
DROP TABLE projects;
DROP TABLE sessions;
DROP TABLE users;
