-- +goose Up

-- What the audit tells of an event beside the event itself: a JSON object, empty for
-- events that it does not tell of.
ALTER TABLE events ADD COLUMN audit TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN request_id TEXT NOT NULL DEFAULT '';

-- Who did what, and was it done. Rows are written with what they tell of, numbered
-- and chained later: seq and hash are null until then, and never change after.
CREATE TABLE audit (
    id         TEXT PRIMARY KEY, -- of the event, where there is one
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL, -- user id; empty: nobody who is signed in
    action     TEXT NOT NULL, -- an event's type, or an operation's name
    target     TEXT NOT NULL, -- stream of the event, or the path
    result     TEXT NOT NULL, -- done or refused
    code       TEXT NOT NULL, -- of the refusal
    ip         TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail     TEXT NOT NULL, -- JSON
    seq        INTEGER UNIQUE,
    hash       BLOB
) STRICT;
CREATE INDEX idx_audit_at ON audit (at, id);
CREATE INDEX idx_audit_open ON audit (at, id) WHERE seq IS NULL;

-- Signed statements that the chain has that hash at that number.
CREATE TABLE audit_checkpoints (
    seq       INTEGER PRIMARY KEY,
    hash      BLOB NOT NULL,
    at        INTEGER NOT NULL,
    signer    TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_events AFTER INSERT ON events WHEN NEW.audit <> ''
BEGIN
    INSERT OR IGNORE INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail)
    VALUES (NEW.id, NEW.occurred_at, NEW.actor_id, NEW.type, NEW.stream, 'done', '', NEW.ip, NEW.request_id, NEW.audit);
END;
-- +goose StatementEnd

INSERT INTO migration_floors VALUES (8, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 8;
DROP TRIGGER audit_events;
DROP TABLE audit_checkpoints;
DROP TABLE audit;
ALTER TABLE events DROP COLUMN ip;
ALTER TABLE events DROP COLUMN request_id;
ALTER TABLE events DROP COLUMN audit;
