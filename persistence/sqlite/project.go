package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

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

// parseSettings reads {} as the defaults.
func parseSettings(text string) (project.Settings, error) {
	s := settings(project.DefaultSettings())
	err := json.Unmarshal([]byte(text), &s)
	return project.Settings(s), err
}

var (
	projectClaims = claimsOf("projects")
	selectProject = stmt(`
		SELECT name, description, owner_id, status, settings, created_at, updated_at, version, seq, epoch, invitations, offer
		FROM projects WHERE id = ?`)
	selectMembers = stmt(`SELECT user_id, role, added_at, added_by FROM project_collaborators WHERE project_id = ?`)
)

// Projects claims project rows.
func (db *DB) Projects() store.Claimer[*project.State] {
	return claimer[*project.State]{db, store.Project, projectClaims, loadProject}
}

func loadProject(c *connection, id string) (s *project.State, epoch int64, err error) {
	s = &project.State{ID: messages.ProjectID(id)}
	err = c.each(selectProject, []any{id}, func(r *row) (err error) {
		s.Name, s.Description, s.Owner, s.Status = r.text(), r.text(), messages.UserID(r.text()), project.Status(r.text())
		s.Settings, err = parseSettings(r.text())
		s.CreatedAt, s.UpdatedAt, s.Version, s.Seq, epoch = r.time(), r.time(), r.int(), r.int(), r.int()
		return errors.Join(err, r.json(&s.Invitations), r.json(&s.Offer))
	})
	if err != nil {
		return nil, 0, err
	}
	var members []project.Member
	err = c.each(selectMembers, []any{id}, func(r *row) error {
		members = append(members, project.Member{
			User: messages.UserID(r.text()), Role: project.Role(r.text()), AddedAt: r.time(), AddedBy: messages.UserID(r.text()),
		})
		return nil
	})
	s.Load(members)
	return s, epoch, errors.Join(err, c.loadDocuments(s))
}

var (
	// An owner that does not exist is null, and the row then ignored as one
	// that exists is.
	insertProject = stmt(`
		INSERT OR IGNORE INTO projects (id, name, description, owner_id, status, settings, created_at, updated_at, version, seq, epoch, node, invitations, offer)
		VALUES (?, ?, ?, (SELECT id FROM users WHERE id = ?), ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`)
	updateProject = stmt(`
		UPDATE projects SET name = ?, description = ?, status = ?, settings = ?, updated_at = ?, owner_id = ?, invitations = ?, offer = ?,
			version = ?, seq = ?
		WHERE id = ? AND ` + held)
	deleteProject = stmt(`DELETE FROM projects WHERE id = ? AND ` + held)
	putMember     = stmt(`
		INSERT INTO project_collaborators (project_id, user_id, role, added_at, added_by) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role, added_at = excluded.added_at, added_by = excluded.added_by`)
	removeMember = stmt(`DELETE FROM project_collaborators WHERE project_id = ? AND user_id = ?`)
	userExists   = stmt(`SELECT 1 FROM users WHERE id = ? AND NOT erased`)
)

func (c *connection) insertProject(one *store.Commit, change *project.Change) (verdict, err error) {
	if verdict, err = c.usersExist(one, change.Put); verdict != nil || err != nil {
		return verdict, err
	}
	row := &change.Row
	inserted, err := c.exec(insertProject, one.ID, row.Name, row.Description, string(row.Owner), string(row.Status), encode(settings(row.Settings)),
		row.CreatedAt, row.UpdatedAt, row.Version, row.Seq, one.Node, invitationsJSON(row), encode(row.Offer))
	if err != nil {
		return nil, err
	}
	if inserted == 0 {
		return c.refused(one, errUnknownUser)
	}
	return nil, errors.Join(c.changeMembers(one, change), c.changeDocuments(one, change))
}

func (c *connection) updateProject(one *store.Commit, change *project.Change) (verdict, err error) {
	if verdict, err = c.usersExist(one, change.Put); verdict != nil || err != nil {
		return verdict, err
	}
	row := &change.Row
	verdict, err = fenced(c.exec(updateProject, row.Name, row.Description, string(row.Status), encode(settings(row.Settings)), row.UpdatedAt,
		string(row.Owner), invitationsJSON(row), encode(row.Offer), row.Version, row.Seq, one.ID, one.Epoch, one.Version))
	if verdict != nil || err != nil {
		return verdict, err
	}
	return nil, errors.Join(c.changeMembers(one, change), c.changeDocuments(one, change))
}

func invitationsJSON(row *project.Row) string {
	if len(row.Invitations) == 0 {
		return `[]`
	}
	return encode(row.Invitations)
}

var selectInvitations = stmt(`
	SELECT p.id, p.name, i.value FROM projects p, json_each(p.invitations) i
	WHERE p.invitations <> '[]' AND json_extract(i.value, '$.email') = ?1 AND json_extract(i.value, '$.expires') > ?2
	ORDER BY json_extract(i.value, '$.at') DESC, p.id LIMIT ?3`)

// ListInvitations are those that wait for an address, the newest first.
func (db *DB) ListInvitations(ctx context.Context, email string, now time.Time, limit int) (list []*messages.Invitation, err error) {
	err = db.read(ctx, "list invitations", selectInvitations, []any{email, messages.Micros(now), int64(limit)}, func(r *row) error {
		id, name := r.text(), r.text()
		var i project.Invitation
		err := r.json(&i)
		list = append(list, i.Resource(messages.ProjectID(id), name))
		return err
	})
	return list, err
}

// usersExist is the verdict on the collaborators to put.
func (c *connection) usersExist(one *store.Commit, put []project.Member) (verdict, err error) {
	for _, m := range put {
		known, err := c.any(userExists, string(m.User))
		if err != nil {
			return nil, err
		}
		if !known {
			return c.refused(one, errUnknownUser)
		}
	}
	return nil, nil
}

func (c *connection) changeMembers(one *store.Commit, change *project.Change) error {
	for _, m := range change.Put {
		if _, err := c.exec(putMember, one.ID, string(m.User), string(m.Role), stamp(m.AddedAt), orNull(string(m.AddedBy))); err != nil {
			return err
		}
	}
	for _, user := range change.Removed {
		if _, err := c.exec(removeMember, one.ID, string(user)); err != nil {
			return err
		}
	}
	return nil
}
