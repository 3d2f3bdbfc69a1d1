-- The rows that the program writes for a change (project, collaborator, event,
-- outbox, command) in a single statement, on one of many projects.
\set project random(1, 10000)
\set user random(1, 1000)
WITH p AS (
  UPDATE projects SET version = version + 1, seq = seq + 1, updated_at = now()
    WHERE id = ('00000000-0000-4000-8000-' || lpad(to_hex(:project::int), 12, '0'))::uuid
    RETURNING id, seq, version
), m AS (
  INSERT INTO project_collaborators (project_id, user_id, role)
    SELECT id, ('00000000-0000-4000-8000-' || lpad(to_hex(:user::int), 12, '0'))::uuid, 'editor' FROM p
    ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role, added_at = excluded.added_at
), e AS (
  INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace)
    SELECT gen_random_uuid(), 'projects/' || id, seq, version, 'project.collaborator_added',
      '{"project_id":"00000000-0000-4000-8000-000000000001","user_id":"00000000-0000-4000-8000-000000000001","role":"editor","added_at":"2026-01-01T00.00.00.000000Z"}',
      '00000000-0000-4000-8000-000000000001', now(), '00-00000000000000000000000000000001-0000000000000001-00'
    FROM p RETURNING id, stream, seq
), o AS (
  INSERT INTO outbox (event_id, shard, stream, seq, created_at) SELECT id, 1, stream, seq, now() FROM e
)
INSERT INTO commands (principal, command_id, fingerprint, reply, expires_at)
  SELECT '00000000-0000-4000-8000-000000000001', 'm:' || gen_random_uuid(), decode('', 'hex'), decode(repeat('ab', 150), 'hex'), now() + interval '10 minutes'
  FROM p ON CONFLICT DO NOTHING;
