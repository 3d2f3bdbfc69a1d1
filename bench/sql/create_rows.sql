-- The rows that the program writes for a create: the project, its event, the
-- outbox row and the command that makes a retry harmless.
\set owner random(1, 1000)
BEGIN;
INSERT INTO projects (name, description, owner_id, settings)
  VALUES ('Project of pgbench', 'What the project is about, in a sentence as long as such sentences are.',
    ('00000000-0000-4000-8000-' || lpad(to_hex(:owner::int), 12, '0'))::uuid,
    '{"public": false,"max_collaborators": 20,"allow_comments": true}')
  RETURNING id \gset p_
INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace)
  VALUES (gen_random_uuid(), 'projects/' || :p_id::text, 1, 1, 'project.created',
    '{"project_id":"00000000-0000-4000-8000-000000000001","name":"Project of pgbench","description":"What the project is about, in a sentence as long as such sentences are.","owner_id":"00000000-0000-4000-8000-000000000001","status":"draft","settings":{"public": false,"max_collaborators": 20,"allow_comments": true},"created_at":"2026-01-01T00.00.00.000000Z"}',
    '00000000-0000-4000-8000-000000000001', now(), '00-00000000000000000000000000000001-0000000000000001-00')
  RETURNING id \gset e_
INSERT INTO outbox (event_id, shard, stream, seq, created_at)
  VALUES (:e_id::uuid, 1, 'projects/' || :p_id::text, 1, now());
INSERT INTO commands (principal, command_id, fingerprint, reply, expires_at)
  VALUES ('00000000-0000-4000-8000-000000000001', 'k:' || :p_id::text, decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 250), 'hex'), now() + interval '24 hours')
  ON CONFLICT DO NOTHING;
COMMIT;
