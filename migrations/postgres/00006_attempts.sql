-- +goose Up

-- When secrets were tried, for each account, device and network: the key is a
-- hash, the log what the program makes of it. A row that has expired says nothing.
CREATE TABLE attempts (
    key        bytea PRIMARY KEY,
    log        bytea NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX idx_attempts_expires_at ON attempts (expires_at);
INSERT INTO migration_floors VALUES (6, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 6;
DROP TABLE attempts;
