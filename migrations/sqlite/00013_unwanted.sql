-- +goose Up

-- Nothing: here the outbox is not shared.
INSERT INTO migration_floors VALUES (13, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 13;
