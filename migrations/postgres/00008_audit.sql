-- +goose Up

-- What the audit tells of an event beside the event itself: a JSON object, empty for
-- events that it does not tell of.
ALTER TABLE events ADD COLUMN ip text NOT NULL DEFAULT '', ADD COLUMN request_id text NOT NULL DEFAULT '', ADD COLUMN audit text NOT NULL DEFAULT '';

-- Who did what, and was it done. Rows are written with what they tell of, numbered
-- and chained later: seq and hash are null until then, and never change after.
CREATE TABLE audit (
    id         uuid PRIMARY KEY, -- of the event, where there is one
    at         timestamptz NOT NULL,
    actor      text NOT NULL, -- user id; empty: nobody who is signed in
    action     text NOT NULL, -- an event's type, or an operation's name
    target     text NOT NULL, -- stream of the event, or the path
    result     text NOT NULL, -- done or refused
    code       text NOT NULL, -- of the refusal
    ip         text NOT NULL,
    request_id text NOT NULL,
    detail     text NOT NULL, -- JSON
    seq        bigint UNIQUE,
    hash       bytea
);
CREATE INDEX idx_audit_at ON audit (at, id);
CREATE INDEX idx_audit_open ON audit (at, id) WHERE seq IS NULL;

-- Signed statements that the chain has that hash at that number.
CREATE TABLE audit_checkpoints (
    seq       bigint PRIMARY KEY,
    hash      bytea NOT NULL,
    at        timestamptz NOT NULL,
    signer    text NOT NULL,
    signature bytea NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail)
    VALUES (NEW.id, NEW.occurred_at, NEW.actor_id, NEW.type, NEW.stream, 'done', '', NEW.ip, NEW.request_id, NEW.audit)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events AFTER INSERT ON events FOR EACH ROW WHEN (NEW.audit <> '') EXECUTE FUNCTION audit_event();

INSERT INTO migration_floors VALUES (8, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 8;
DROP TRIGGER audit_events ON events;
DROP FUNCTION audit_event();
DROP TABLE audit_checkpoints;
DROP TABLE audit;
ALTER TABLE events DROP COLUMN ip, DROP COLUMN request_id, DROP COLUMN audit;
