-- +goose Up

-- Rows of entities carry version (what clients see), epoch (raised by every
-- claim; the fence of every commit) and node (who claimed last; null: nobody).

CREATE TABLE users (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email              varchar(255) UNIQUE NOT NULL, -- normalised
    name               varchar(255) NOT NULL,
    status             varchar(20) NOT NULL DEFAULT 'pending',
    created_at         timestamptz DEFAULT now(),
    updated_at         timestamptz DEFAULT now(),
    last_login         timestamptz,
    email_typed        text NOT NULL DEFAULT '',
    status_before      varchar(20) NOT NULL DEFAULT '',
    roles              text[] NOT NULL DEFAULT '{user}',
    profile            jsonb NOT NULL DEFAULT '{}',
    preferences        text NOT NULL DEFAULT '{}', -- text: the bytes are the value
    suspension         jsonb NOT NULL DEFAULT '{}',
    password_hash      text NOT NULL DEFAULT '',
    credential_version bigint NOT NULL DEFAULT 1,
    auth_epoch         bigint NOT NULL DEFAULT 1,
    version            bigint NOT NULL DEFAULT 1,
    seq                bigint NOT NULL DEFAULT 0,
    epoch              bigint NOT NULL DEFAULT 1,
    node               text
) WITH (fillfactor = 85);
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_status ON users (status);
CREATE INDEX idx_users_admins ON users (id) WHERE 'admin' = ANY (roles);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ip           text NOT NULL,
    user_agent   text NOT NULL,
    amr          text[] NOT NULL,
    auth_epoch   bigint NOT NULL,
    generation   bigint NOT NULL DEFAULT 0, -- of the newest refresh token
    rotations    text NOT NULL DEFAULT '[]',
    ended_at     timestamptz,
    end_reason   text NOT NULL DEFAULT '',
    version      bigint NOT NULL DEFAULT 1,
    epoch        bigint NOT NULL DEFAULT 1,
    node         text
) WITH (fillfactor = 85);
CREATE INDEX idx_sessions_open ON sessions (user_id, created_at DESC, id DESC) WHERE ended_at IS NULL;

CREATE TABLE projects (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        varchar(255) NOT NULL,
    description text,
    owner_id    uuid NOT NULL REFERENCES users (id),
    status      varchar(20) NOT NULL DEFAULT 'draft',
    settings    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now(),
    version     bigint NOT NULL DEFAULT 1,
    seq         bigint NOT NULL DEFAULT 0,
    epoch       bigint NOT NULL DEFAULT 1,
    node        text
) WITH (fillfactor = 85);
CREATE INDEX idx_projects_owner_id ON projects (owner_id);
CREATE INDEX idx_projects_status ON projects (status);

CREATE TABLE project_collaborators (
    project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    role       varchar(50) NOT NULL DEFAULT 'collaborator',
    added_at   timestamptz DEFAULT now(),
    added_by   uuid,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX idx_project_collaborators_user_id ON project_collaborators (user_id);
CREATE INDEX idx_project_collaborators_added_at ON project_collaborators (project_id, added_at, user_id);

-- The log. A stream has one writer, which counts seq.
CREATE TABLE events (
    id          uuid NOT NULL, -- unique for as long as the outbox has it; nothing is found by it
    stream      text COLLATE "C" NOT NULL, -- users/<id> or projects/<id>
    seq         bigint NOT NULL,
    version     bigint NOT NULL,
    type        text NOT NULL,
    data        json NOT NULL,
    actor_id    text NOT NULL,
    occurred_at timestamptz NOT NULL,
    trace       text NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- What the relay has yet to publish.
CREATE TABLE outbox (
    event_id   uuid PRIMARY KEY,
    shard      smallint NOT NULL,
    stream     text COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at    timestamptz
);

-- Commands that were carried out, with their replies.
CREATE TABLE commands (
    principal   text COLLATE "C" NOT NULL, -- user id, or '' without one
    command_id  text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    reply       bytea NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (principal, command_id)
);
CREATE INDEX idx_commands_expires_at ON commands (expires_at);

CREATE TABLE nodes (
    name        text PRIMARY KEY,
    incarnation bigint NOT NULL,
    cluster     text NOT NULL,
    address     text NOT NULL,
    started_at  timestamptz NOT NULL,
    expires     timestamptz NOT NULL,
    dead        boolean NOT NULL,
    exclusive   boolean NOT NULL, -- others are refused what this node claimed
    instance    text NOT NULL     -- which installation of the program has the name
);

CREATE TABLE signing_keys (
    kid          text PRIMARY KEY,
    use          text NOT NULL,
    public       bytea NOT NULL,
    sealed       bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    activates_at timestamptz NOT NULL,
    retires_at   timestamptz
);

CREATE TABLE installation (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    log        uuid NOT NULL DEFAULT gen_random_uuid(), -- identity of the event log
    created_at timestamptz NOT NULL DEFAULT now(),
    timeline   text,       -- of the server, as a burial last found it
    since      timestamptz -- when one first did
);
INSERT INTO installation DEFAULT VALUES;

-- Fails the transaction: another one, unseen by the statement's snapshot, took
-- what it was about to take. Asked again, the statement will see it.
-- +goose StatementBegin
CREATE FUNCTION atelier_raced() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'raced by another transaction' USING ERRCODE = 'AT001';
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION atelier_raced();
DROP TABLE installation, signing_keys, nodes, commands, outbox, events, project_collaborators, projects, sessions, users;
