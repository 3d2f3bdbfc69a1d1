-- +goose Up

-- Struck nodes cannot renew their lease: those who cannot reach them, and so
-- cannot ask them for what they hold, let it run out.
ALTER TABLE nodes ADD COLUMN struck boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE nodes DROP COLUMN struck;
