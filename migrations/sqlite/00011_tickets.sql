-- +goose Up

-- Tickets for sockets that were used, each of which lets in once. One that has
-- expired lets nobody in, and need not be remembered.
CREATE TABLE used_tickets (
    id         TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_used_tickets_expires_at ON used_tickets (expires_at);
INSERT INTO migration_floors VALUES (11, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 11;
DROP TABLE used_tickets;
