-- +goose Up

-- Programs of the version before write rows that have more than they know.
ALTER TABLE projects ADD COLUMN label text NOT NULL DEFAULT 'none';
INSERT INTO migration_floors VALUES (90001, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 90001;
ALTER TABLE projects DROP COLUMN label;
