-- A project and its outbox row in one transaction: the least that is a durable
-- create with an event to deliver. Four statements.
\set owner random(1, 1000)
BEGIN;
INSERT INTO projects (name, description, owner_id, settings)
  VALUES ('Project of pgbench', 'What the project is about, in a sentence as long as such sentences are.',
    ('00000000-0000-4000-8000-' || lpad(to_hex(:owner::int), 12, '0'))::uuid,
    '{"public": false,"max_collaborators": 20,"allow_comments": true}')
  RETURNING id \gset p_
INSERT INTO outbox (event_id, shard, stream, seq, created_at)
  VALUES (gen_random_uuid(), 1, 'projects/' || :p_id::text, 1, now());
COMMIT;
