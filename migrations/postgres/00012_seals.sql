-- +goose Up

-- An event that the audit tells of is the audit's row as well: nothing is written
-- for it beside. What is numbered meanwhile would be told twice, so that all that
-- waits is numbered here. Locks are taken in the order in which others take them.
LOCK TABLE feed_head IN ACCESS EXCLUSIVE MODE;
LOCK TABLE feed IN ACCESS EXCLUSIVE MODE;
LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
LOCK TABLE feed_pending IN ACCESS EXCLUSIVE MODE;
WITH gone AS (DELETE FROM feed_pending RETURNING stream, seq),
numbered AS (
    INSERT INTO feed (position, stream, seq)
    SELECT h.position + row_number() OVER (ORDER BY g.seq, g.stream), g.stream, g.seq FROM gone g, feed_head h RETURNING 1)
UPDATE feed_head SET position = position + (SELECT count(*) FROM numbered);
DROP TRIGGER audit_events ON events;
DROP FUNCTION audit_event();
CREATE INDEX idx_events_audit ON events (occurred_at, id) WHERE audit <> '';

-- Whether the audit tells of it. Programs of the version before number without saying so.
ALTER TABLE feed_pending ADD COLUMN audited boolean NOT NULL DEFAULT true;
ALTER TABLE feed ADD COLUMN audited boolean NOT NULL DEFAULT false;
ALTER TABLE feed ALTER COLUMN audited SET DEFAULT true;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION atelier_unnumbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_pending (stream, seq, audited) SELECT stream, seq, audit <> '' FROM happened;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Numbers and hashes of such events, many in a row: they are not touched again.
CREATE TABLE audit_seals (
    last      bigint PRIMARY KEY, -- number of the last of them
    first     bigint NOT NULL,
    since     timestamptz NOT NULL, -- the earliest of their times
    until     timestamptz NOT NULL, -- and the latest
    ids       uuid[] NOT NULL,
    positions bigint[] NOT NULL, -- in the feed
    hashes    bytea[] NOT NULL
);
ALTER TABLE audit_seals ALTER COLUMN ids SET STORAGE EXTERNAL, ALTER COLUMN positions SET STORAGE EXTERNAL, ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE INDEX idx_audit_seals_at ON audit_seals USING gist (tstzrange(since, until, '[]'));

-- Up to which position of the feed events are in the chain.
CREATE TABLE audit_head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO audit_head (position) SELECT position FROM feed_head;

-- Programs before would tell of no event since.
INSERT INTO migration_floors VALUES (12, 12);

-- +goose Down
DELETE FROM migration_floors WHERE version = 12;
LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail, seq, hash)
    SELECT e.id, e.occurred_at, e.actor_id, e.type, e.stream, 'done', '', e.ip, e.request_id, e.audit, s.seq, s.hash
    FROM events e LEFT JOIN (
        SELECT u.id, s.first + u.n - 1 AS seq, u.hash FROM audit_seals s, unnest(s.ids, s.hashes) WITH ORDINALITY u(id, hash, n)) s ON s.id = e.id
    WHERE e.audit <> '' ON CONFLICT DO NOTHING;
DROP TABLE audit_head, audit_seals;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION atelier_unnumbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_pending (stream, seq) SELECT stream, seq FROM happened;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
ALTER TABLE feed DROP COLUMN audited;
ALTER TABLE feed_pending DROP COLUMN audited;
DROP INDEX idx_events_audit;
-- +goose StatementBegin
CREATE FUNCTION audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (id, at, actor, action, target, result, code, ip, request_id, detail)
    VALUES (NEW.id, NEW.occurred_at, NEW.actor_id, NEW.type, NEW.stream, 'done', '', NEW.ip, NEW.request_id, NEW.audit)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events AFTER INSERT ON events FOR EACH ROW WHEN (NEW.audit <> '') EXECUTE FUNCTION audit_event();
