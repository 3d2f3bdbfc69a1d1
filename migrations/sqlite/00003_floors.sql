-- +goose Up

-- Of each migration the lowest schema that a program may have been made for and
-- still work on this one. Each migration adds its own row.
CREATE TABLE migration_floors (
    version INTEGER PRIMARY KEY,
    floor   INTEGER NOT NULL
) STRICT;
INSERT INTO migration_floors VALUES (3, 2);

-- +goose Down
DROP TABLE migration_floors;
