package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

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

// ListInvitations are those that wait for an address, the newest first.
func (db *DB) ListInvitations(ctx context.Context, email string, now time.Time, limit int) ([]*messages.Invitation, error) {
	rows, err := db.reads.Query(ctx, `
		SELECT p.id, p.name, i.value FROM projects p, jsonb_array_elements(p.invitations) i
		WHERE p.invitations <> '[]' AND p.invitations @> jsonb_build_array(jsonb_build_object('email', $1::text))
			AND i.value->>'email' = $1 AND (i.value->>'expires')::bigint > $2
		ORDER BY (i.value->>'at')::bigint DESC, p.id LIMIT $3`, email, messages.Micros(now), limit)
	if err != nil {
		return nil, asked("list invitations", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.Invitation, error) {
		var id pgtype.UUID
		var name string
		var value []byte
		var i project.Invitation
		if err := row.Scan(&id, &name, &value); err != nil {
			return nil, err
		}
		err := json.Unmarshal(value, &i)
		return i.Resource(messages.ProjectID(text(id)), name), err
	})
	return list, asked("list invitations", err)
}

// parseSettings reads {} as the defaults.
func parseSettings(b []byte) (project.Settings, error) {
	s := settings(project.DefaultSettings())
	err := json.Unmarshal(b, &s)
	return project.Settings(s), err
}

const (
	loadProject = `SELECT name, coalesce(description, ''), owner_id, status, settings, created_at, updated_at, version, seq,
		invitations, offer FROM projects WHERE id = $1`
	loadMembers   = `SELECT user_id, role, added_at, added_by FROM project_collaborators WHERE project_id = $1`
	loadDocuments = `SELECT id, name, created_by, created_at, updated_at, version, versions FROM documents WHERE project_id = $1`
)

// Projects claims project rows.
func (db *DB) Projects() store.Claimer[*project.State] {
	return claimer[*project.State]{
		db: db, kind: store.Project, table: "projects", load: loadProject, row: readProject, loads: []rest[*project.State]{{loadMembers, readMembers}, {loadDocuments, readDocuments}},
	}
}

func readProject(row pgx.Row, id string) (*project.State, int64, error) {
	s := &project.State{ID: messages.ProjectID(id)}
	var owner pgtype.UUID
	var set, invitations, offer []byte
	err := row.Scan(&s.Name, &s.Description, &owner, &s.Status, &set, &s.CreatedAt, &s.UpdatedAt, &s.Version, &s.Seq, &invitations, &offer)
	if err != nil {
		return nil, 0, err
	}
	if err := errors.Join(json.Unmarshal(invitations, &s.Invitations), json.Unmarshal(offer, &s.Offer)); err != nil {
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

var (
	insertProjects = variants(func(q *composition) string {
		q.input("c", append(fence, "seq bigint", "node text", "name text", "description text", "owner_id uuid", "status text", "settings text",
			"created_at timestamptz", "updated_at timestamptz", "invitations text", "offer text")...)
		q.commands()
		q.members(`SELECT c.n FROM c WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.owner_id OFFSET 0)`)
		insert := `
			INSERT INTO projects (id, name, description, owner_id, status, settings, created_at, updated_at, version, seq, epoch, node, invitations, offer)
			SELECT id, name, description, owner_id, status, settings::jsonb, created_at, updated_at, version, seq, 1, node, invitations::jsonb, offer FROM c WHERE ` + q.free()
		if q.has(withDoubt) {
			insert += ` AND id IS NOT NULL ON CONFLICT (id) DO NOTHING RETURNING id`
		}
		q.table("done", insert)
		q.failedInserts()
		q.writeMembers()
		q.record()
		q.remember()
		return q.text()
	})
	updateProjects = variants(func(q *composition) string {
		q.input("c", append(fence, "next bigint", "seq bigint", "name text", "description text", "status text", "settings text",
			"updated_at timestamptz", "owner_id uuid", "invitations text", "offer text")...)
		q.commands()
		q.members()
		q.table("done", `
			UPDATE projects p SET name = c.name, description = c.description, status = c.status, settings = c.settings::jsonb,
				updated_at = c.updated_at, owner_id = c.owner_id, invitations = c.invitations::jsonb, offer = c.offer, version = c.next, seq = c.seq
			FROM c WHERE `+byID+` AND `+held+` AND `+q.free()+` RETURNING c.id`)
		q.failedRows()
		q.writeMembers()
		q.record()
		q.remember()
		return q.text()
	})
	deleteProjects = variants(func(q *composition) string {
		q.input("c", fence...)
		q.commands()
		q.table("done", `DELETE FROM projects p USING c WHERE `+byID+` AND `+held+` AND `+q.free()+` RETURNING c.id`)
		q.failedRows()
		q.record()
		q.remember()
		return q.text()
	})
)

// members brings in the collaborators to put and to remove. The users put must
// exist, and with doubt are looked for.
func (q *composition) members(refused ...string) {
	if q.has(withPut) {
		q.input("puts", "n int", "project_id uuid", "user_id uuid", "role text", "added_at timestamptz", "added_by uuid")
		refused = append(refused, `SELECT n FROM puts WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = puts.user_id OFFSET 0)`)
	}
	if q.has(withOut) {
		q.input("outs", "n int", "project_id uuid", "user_id uuid")
	}
	if len(refused) > 0 && q.has(withDoubt) {
		q.refuse("projects", refused...)
	}
}

func (q *composition) writeMembers() {
	if q.has(withPut) {
		put := `
			INSERT INTO project_collaborators (project_id, user_id, role, added_at, added_by)
			SELECT project_id, user_id, role, added_at, added_by FROM puts` + q.applied()
		if q.has(withDoubt) {
			put += `
			ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role, added_at = excluded.added_at, added_by = excluded.added_by`
		}
		q.table("put", put)
	}
	if q.has(withOut) {
		// Rows do not move meanwhile: their only writer is the project's. Compared
		// as a pair they are found by the primary key alone: by the index of users
		// all that one of them belongs to would be read.
		q.table("removed", `
			DELETE FROM project_collaborators WHERE ctid = ANY (ARRAY(
				SELECT m.row FROM outs CROSS JOIN LATERAL (SELECT ctid AS row FROM project_collaborators m
					WHERE (m.project_id, m.user_id) >= (outs.project_id, outs.user_id)
						AND (m.project_id, m.user_id) <= (outs.project_id, outs.user_id) OFFSET 0) m`+q.applied()+`))`)
	}
}

func changeOf(f flight) *project.Change { return f.commit.Change.(*project.Change) }

func insertProjectArgs(a *arguments, flights []flight) {
	row := func(f flight) *project.Row { return &changeOf(f).Row }
	a.add(0,
		int4s(flights, func(f flight) int32 { return f.n }),
		uuids(flights, func(f flight) pgtype.UUID { return f.id }),
		int8s(flights, func(f flight) int64 { return f.commit.Epoch }),
		int8s(flights, func(f flight) int64 { return row(f).Version }),
		int8s(flights, func(f flight) int64 { return row(f).Seq }),
		texts(flights, func(f flight) string { return f.commit.Node }),
		texts(flights, func(f flight) string { return row(f).Name }),
		texts(flights, func(f flight) string { return row(f).Description }),
		uuids(flights, func(f flight) pgtype.UUID { return key(string(row(f).Owner)) }),
		texts(flights, func(f flight) string { return string(row(f).Status) }),
		texts(flights, func(f flight) string { return settingsJSON(row(f).Settings) }),
		times(flights, func(f flight) pgtype.Timestamptz { return micros(row(f).CreatedAt) }),
		times(flights, func(f flight) pgtype.Timestamptz { return micros(row(f).UpdatedAt) }),
		texts(flights, func(f flight) string { return invitationsJSON(row(f)) }),
		texts(flights, func(f flight) string { return offerJSON(row(f)) }))
	a.commands(flights)
	a.members(flights)
	a.events(flights)
}

func updateProjectArgs(a *arguments, flights []flight) {
	row := func(f flight) *project.Row { return &changeOf(f).Row }
	a.fences(flights)
	a.add(0,
		int8s(flights, func(f flight) int64 { return row(f).Version }),
		int8s(flights, func(f flight) int64 { return row(f).Seq }),
		texts(flights, func(f flight) string { return row(f).Name }),
		texts(flights, func(f flight) string { return row(f).Description }),
		texts(flights, func(f flight) string { return string(row(f).Status) }),
		texts(flights, func(f flight) string { return settingsJSON(row(f).Settings) }),
		times(flights, func(f flight) pgtype.Timestamptz { return micros(row(f).UpdatedAt) }),
		uuids(flights, func(f flight) pgtype.UUID { return key(string(row(f).Owner)) }),
		texts(flights, func(f flight) string { return invitationsJSON(row(f)) }),
		texts(flights, func(f flight) string { return offerJSON(row(f)) }))
	a.commands(flights)
	a.members(flights)
	a.events(flights)
}

// invitationsJSON and offerJSON spare most projects the encoder: they have none.
func invitationsJSON(row *project.Row) string {
	if len(row.Invitations) == 0 {
		return `[]`
	}
	return encode(row.Invitations)
}

func offerJSON(row *project.Row) string {
	if row.Offer == (project.Offer{}) {
		return `{}`
	}
	return encode(row.Offer)
}

// members are the inputs of composition.members.
func (a *arguments) members(flights []flight) {
	type put struct {
		flight
		project.Member
	}
	type out struct {
		flight
		user messages.UserID
	}
	var puts []put
	var outs []out
	for _, f := range flights {
		if changeOf(f).Overwrites {
			a.with |= withDoubt
		}
		for _, m := range changeOf(f).Put {
			puts = append(puts, put{f, m})
		}
		for _, user := range changeOf(f).Removed {
			outs = append(outs, out{f, user})
		}
	}
	if len(puts) > 0 {
		a.add(withPut,
			int4s(puts, func(p put) int32 { return p.n }),
			uuids(puts, func(p put) pgtype.UUID { return p.id }),
			uuids(puts, func(p put) pgtype.UUID { return key(string(p.User)) }),
			texts(puts, func(p put) string { return string(p.Role) }),
			times(puts, func(p put) pgtype.Timestamptz { return stamp(p.AddedAt) }),
			uuids(puts, func(p put) pgtype.UUID { return key(string(p.AddedBy)) }))
	}
	if len(outs) > 0 {
		a.add(withOut,
			int4s(outs, func(o out) int32 { return o.n }),
			uuids(outs, func(o out) pgtype.UUID { return o.id }),
			uuids(outs, func(o out) pgtype.UUID { return key(string(o.user)) }))
	}
}
