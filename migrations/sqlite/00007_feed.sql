-- +goose Up

-- One order over all streams. There is one writer, so that the order in which rows
-- are written is the one in which they can be seen.
CREATE TABLE feed (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    seq      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_feed_stream ON feed (stream, position);

-- +goose StatementBegin
CREATE TRIGGER events_numbered AFTER INSERT ON events
BEGIN
    INSERT INTO feed (stream, seq) VALUES (NEW.stream, NEW.seq);
END;
-- +goose StatementEnd

-- What there is already, by time, and each stream in its own order.
INSERT INTO feed (stream, seq)
    SELECT stream, seq FROM (SELECT stream, seq, max(occurred_at) OVER (PARTITION BY stream ORDER BY seq) AS at FROM events)
    ORDER BY at, stream, seq;
INSERT INTO migration_floors VALUES (7, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 7;
DROP TRIGGER events_numbered;
DROP TABLE feed;
