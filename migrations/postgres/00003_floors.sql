-- +goose Up

-- Of each migration the lowest schema that a program may have been made for and
-- still work on this one: nodes of two versions run together, and a program is
-- taken back without its migrations. Each migration adds its own row.
CREATE TABLE migration_floors (
    version bigint PRIMARY KEY,
    floor   bigint NOT NULL
);
INSERT INTO migration_floors VALUES (3, 2);

-- +goose Down
DROP TABLE migration_floors;
