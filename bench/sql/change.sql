-- A collaborator put into one of many projects, with the project's version and
-- the outbox row: the least that is the same change.
\set project random(1, 10000)
\set user random(1, 1000)
BEGIN;
UPDATE projects SET version = version + 1, seq = seq + 1, updated_at = now()
  WHERE id = ('00000000-0000-4000-8000-' || lpad(to_hex(:project::int), 12, '0'))::uuid
  RETURNING id, seq \gset p_
INSERT INTO project_collaborators (project_id, user_id, role)
  VALUES (:p_id::uuid, ('00000000-0000-4000-8000-' || lpad(to_hex(:user::int), 12, '0'))::uuid, 'editor')
  ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role, added_at = excluded.added_at;
INSERT INTO outbox (event_id, shard, stream, seq, created_at)
  VALUES (gen_random_uuid(), 1, 'projects/' || :p_id::text, :p_seq::bigint, now());
COMMIT;
