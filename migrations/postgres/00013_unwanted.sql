-- +goose Up

-- Streams that a relay publishes, as a pattern; null: of a program that does not say.
-- What no relay wants is not written to the outbox at all.
ALTER TABLE outbox_relays ADD COLUMN wants text;
INSERT INTO migration_floors VALUES (13, 12);

-- +goose Down
DELETE FROM migration_floors WHERE version = 13;
ALTER TABLE outbox_relays DROP COLUMN wants;
