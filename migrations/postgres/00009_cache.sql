-- +goose Up

-- What was costly to work out, for a day. It is not logged: a crash empties it, and
-- replicas do not have it.
CREATE UNLOGGED TABLE cached (
    name       text COLLATE "C" PRIMARY KEY,
    stamp      text NOT NULL,
    body       bytea NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX idx_cached_expires_at ON cached (expires_at);
INSERT INTO migration_floors VALUES (9, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 9;
DROP TABLE cached;
