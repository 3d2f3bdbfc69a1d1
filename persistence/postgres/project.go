package postgres

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// settings is the stored form of a project's settings: all three, always.
type settings struct {
	Public           bool `json:"public"`
	MaxCollaborators int  `json:"max_collaborators"`
	AllowComments    bool `json:"allow_comments"`
}

func settingsJSON(s project.Settings) string {
	b, _ := json.Marshal(settings(s)) // plain fields always marshal
	return string(b)
}

// parseSettings reads {} as the defaults.
func parseSettings(b []byte) (project.Settings, error) {
	s := settings(project.DefaultSettings())
	err := json.Unmarshal(b, &s)
	return project.Settings(s), err
}

const (
	loadProject = `SELECT name, coalesce(description, ''), owner_id, status, settings, created_at, updated_at, version, seq FROM projects WHERE id = $1`
	loadMembers = `SELECT user_id, role, added_at, added_by FROM project_collaborators WHERE project_id = $1`
)

// Projects claims project rows.
func (db *DB) Projects() store.Claimer[*project.State] {
	return claimer[*project.State]{
		db: db, kind: store.Project, table: "projects", load: loadProject, row: readProject, loadRest: loadMembers, rest: readMembers,
	}
}

func readProject(row pgx.Row, id string) (*project.State, int64, error) {
	s := &project.State{ID: messages.ProjectID(id)}
	var owner pgtype.UUID
	var set []byte
	err := row.Scan(&s.Name, &s.Description, &owner, &s.Status, &set, &s.CreatedAt, &s.UpdatedAt, &s.Version, &s.Seq)
	if err != nil {
		return nil, 0, err
	}
	s.Owner = messages.UserID(text(owner))
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	s.Settings, err = parseSettings(set)
	return s, s.Version, err
}

func readMembers(rows pgx.Rows) (func(*project.State), error) {
	members, err := pgx.CollectRows(rows, readMember)
	return func(s *project.State) { s.Load(members) }, err
}

func readMember(row pgx.CollectableRow) (m project.Member, err error) {
	var user, by pgtype.UUID
	err = row.Scan(&user, &m.Role, &m.AddedAt, &by)
	m.User, m.AddedAt = messages.UserID(text(user)), m.AddedAt.UTC()
	if by.Valid {
		m.AddedBy = messages.UserID(text(by))
	}
	return m, err
}

const (
	insertProjects = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[],
				$8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[])
				AS c(n, id, name, description, owner_id, status, settings, created_at, updated_at, version, seq)),
		done AS (INSERT INTO projects (id, name, description, owner_id, status, settings, created_at, updated_at, version, seq, epoch, node)
			SELECT id, name, description, owner_id, status, settings::jsonb, created_at, updated_at, version, seq, 1, $12 FROM c
			ON CONFLICT (id) DO NOTHING RETURNING id)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE id NOT IN (SELECT id FROM done))) END`
	updateProjects = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
				$7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
				AS c(n, id, name, description, status, settings, updated_at, version, seq, held_epoch, held_version)),
		done AS (UPDATE projects p SET name = c.name, description = c.description, status = c.status, settings = c.settings::jsonb,
				updated_at = c.updated_at, version = c.version, seq = c.seq
			FROM c WHERE p.id = c.id` + held + ` RETURNING c.n)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE n NOT IN (SELECT n FROM done))) END`
	deleteProjects = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bigint[]) AS c(n, id, held_epoch, held_version)),
		done AS (DELETE FROM projects p USING c WHERE p.id = c.id` + held + ` RETURNING c.n)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE n NOT IN (SELECT n FROM done))) END`
	putMembers = `
		WITH c AS (SELECT * FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[])
				AS c(n, project_id, user_id, role, added_at, added_by)),
		done AS (INSERT INTO project_collaborators (project_id, user_id, role, added_at, added_by)
			SELECT project_id, user_id, role, added_at, added_by FROM c
			WHERE EXISTS (SELECT 1 FROM users WHERE id = c.user_id)
			ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role, added_at = excluded.added_at, added_by = excluded.added_by
			RETURNING project_id, user_id)
		SELECT CASE WHEN (SELECT count(*) FROM done) < cardinality($1)
			THEN atelier_refuse(ARRAY(SELECT n FROM c WHERE (project_id, user_id) NOT IN (SELECT project_id, user_id FROM done))) END`
	deleteMembers = `
		DELETE FROM project_collaborators p USING unnest($1::uuid[], $2::uuid[]) AS c(project_id, user_id)
		WHERE p.project_id = c.project_id AND p.user_id = c.user_id`
)

// projectRows collects the projects of a group, column by column.
type projectRows struct {
	made, changed, gone             rows
	putN                            []int32
	putProject, putUser, putBy      []pgtype.UUID
	putRole                         []string
	putAt                           []pgtype.Timestamptz
	removedProject, removedUser     []pgtype.UUID
	name, description, status       []string
	settings                        []string
	owner                           []pgtype.UUID
	created, updated                []pgtype.Timestamptz
	changedName, changedDescription []string
	changedStatus, changedSettings  []string
	changedAt                       []pgtype.Timestamptz
}

func (r *projectRows) add(n int32, c *store.Commit, change *project.Change) {
	key, _ := uuid(c.ID)
	row := change.Row
	switch {
	case change.Created && change.Deleted:
		// Created and deleted within one flight: only the log remembers.
	case change.Deleted:
		r.gone.add(n, key, c)
	case change.Created:
		owner, _ := uuid(string(row.Owner))
		r.made.add(n, key, c)
		r.made.head(row.Version, row.Seq)
		r.name, r.description, r.owner = append(r.name, row.Name), append(r.description, row.Description), append(r.owner, owner)
		r.status, r.settings = append(r.status, string(row.Status)), append(r.settings, settingsJSON(row.Settings))
		r.created, r.updated = append(r.created, micros(row.CreatedAt)), append(r.updated, micros(row.UpdatedAt))
	default:
		r.changed.add(n, key, c)
		r.changed.head(row.Version, row.Seq)
		r.changedName, r.changedDescription = append(r.changedName, row.Name), append(r.changedDescription, row.Description)
		r.changedStatus, r.changedSettings = append(r.changedStatus, string(row.Status)), append(r.changedSettings, settingsJSON(row.Settings))
		r.changedAt = append(r.changedAt, micros(row.UpdatedAt))
	}
	r.members(n, key, change)
}

func (r *projectRows) members(n int32, key pgtype.UUID, change *project.Change) {
	for _, m := range change.Put {
		user, _ := uuid(string(m.User)) // an id that is none is nobody's: refused as unknown
		by, _ := uuid(string(m.AddedBy))
		r.putN, r.putProject, r.putUser = append(r.putN, n), append(r.putProject, key), append(r.putUser, user)
		r.putRole, r.putAt, r.putBy = append(r.putRole, string(m.Role)), append(r.putAt, stamp(m.AddedAt)), append(r.putBy, by)
	}
	for _, u := range change.Removed {
		user, _ := uuid(string(u))
		r.removedProject, r.removedUser = append(r.removedProject, key), append(r.removedUser, user)
	}
}

func (r *projectRows) queue(b *pgx.Batch, node string) {
	if m := &r.made; len(m.n) > 0 {
		b.Queue(insertProjects, m.n, m.id, r.name, r.description, r.owner, r.status, r.settings, r.created, r.updated, m.version, m.seq, node)
	}
	if m := &r.changed; len(m.n) > 0 {
		b.Queue(updateProjects, m.n, m.id, r.changedName, r.changedDescription, r.changedStatus, r.changedSettings, r.changedAt,
			m.version, m.seq, m.heldEpoch, m.heldVersion)
	}
	if len(r.putN) > 0 {
		b.Queue(putMembers, r.putN, r.putProject, r.putUser, r.putRole, r.putAt, r.putBy)
	}
	if len(r.removedProject) > 0 {
		b.Queue(deleteMembers, r.removedProject, r.removedUser)
	}
	if m := &r.gone; len(m.n) > 0 {
		b.Queue(deleteProjects, m.n, m.id, m.heldEpoch, m.heldVersion)
	}
}
