-- +goose Up

-- One process has this database, and its memory is the only cache.
INSERT INTO migration_floors VALUES (9, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 9;
