-- +goose Up

-- One process has the file, and nobody strikes it: the column keeps the engines'
-- schemas alike.
ALTER TABLE nodes ADD COLUMN struck INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE nodes DROP COLUMN struck;
