-- +goose Up

-- The relay finds what is unsent by this, in the order of each stream. Rows leave
-- it as they are sent, so that it stays as small as the backlog.
CREATE INDEX idx_outbox_unsent ON outbox (shard, stream, seq) WHERE sent_at IS NULL;

-- Shards of the outbox, each leased by one node. The epoch is raised whenever one
-- changes hands, and fences what was read under an earlier one.
CREATE TABLE outbox_shards (
    shard   smallint PRIMARY KEY,
    epoch   bigint NOT NULL DEFAULT 0,
    node    text, -- null: nobody
    expires timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO outbox_shards (shard) SELECT generate_series(0, 63);

-- Nodes that share the shards.
CREATE TABLE outbox_relays (
    node    text PRIMARY KEY,
    broker  boolean NOT NULL, -- it has one, and does not discard what nobody here wants
    expires timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Streams that have stopped at an event that cannot be sent.
CREATE TABLE outbox_parked (
    stream    text COLLATE "C" PRIMARY KEY,
    shard     smallint NOT NULL,
    event_id  uuid NOT NULL,
    seq       bigint NOT NULL,
    type      text NOT NULL,
    reason    text NOT NULL,
    parked_at timestamptz NOT NULL
);
INSERT INTO migration_floors VALUES (4, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 4;
DROP TABLE outbox_parked, outbox_relays, outbox_shards;
DROP INDEX idx_outbox_unsent;
