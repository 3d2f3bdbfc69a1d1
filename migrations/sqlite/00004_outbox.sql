-- +goose Up

-- The relay finds what is unsent by this, in the order of each stream.
CREATE INDEX idx_outbox_unsent ON outbox (shard, stream, seq) WHERE sent_at IS NULL;

-- Streams that have stopped at an event that cannot be sent.
CREATE TABLE outbox_parked (
    stream    TEXT PRIMARY KEY,
    shard     INTEGER NOT NULL,
    event_id  TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    type      TEXT NOT NULL,
    reason    TEXT NOT NULL,
    parked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO migration_floors VALUES (4, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 4;
DROP TABLE outbox_parked;
DROP INDEX idx_outbox_unsent;
