-- +goose Up

-- One order over all streams. Numbers taken before a commit give none that readers
-- could go along: a smaller one may appear behind them. So rows are numbered once
-- they can be seen, by one node at a time, and nobody reads what has no number.
CREATE TABLE feed (
    position bigint PRIMARY KEY,
    stream   text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL
);
CREATE UNIQUE INDEX idx_feed_stream ON feed (stream, position);

-- What has yet to be numbered. It has no index: all of it is read each time.
CREATE TABLE feed_pending (
    stream text COLLATE "C" NOT NULL,
    seq    bigint NOT NULL
);

-- Who numbers, and the last number. Its row is the lock.
CREATE TABLE feed_head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    node     text,
    expires  timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- A trigger, since programs of the version before write events too.
-- +goose StatementBegin
CREATE FUNCTION atelier_unnumbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_pending (stream, seq) SELECT stream, seq FROM happened;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_unnumbered AFTER INSERT ON events
    REFERENCING NEW TABLE AS happened FOR EACH STATEMENT EXECUTE FUNCTION atelier_unnumbered();

-- What there is already, by time, and each stream in its own order.
LOCK TABLE events IN SHARE MODE;
INSERT INTO feed (position, stream, seq)
    SELECT row_number() OVER (ORDER BY at, stream, seq), stream, seq
    FROM (SELECT stream, seq, max(occurred_at) OVER (PARTITION BY stream ORDER BY seq) AS at FROM events) e;
INSERT INTO feed_head (position) SELECT coalesce(max(position), 0) FROM feed;
INSERT INTO migration_floors VALUES (7, 3);

-- +goose Down
DELETE FROM migration_floors WHERE version = 7;
DROP TRIGGER events_unnumbered ON events;
DROP FUNCTION atelier_unnumbered();
DROP TABLE feed_head, feed_pending, feed;
