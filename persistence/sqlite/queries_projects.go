package sqlite

import (
	"context"
	"strings"

	"atelier/messages"
)

// A user's projects are those that he owns and those that are shared with him.
// Each sort pages by its key and the id. What a project's row does not hold is
// looked up for those of the page alone, hence in a query around it.
const (
	mine = `
		WITH mine AS (
			SELECT id, 'owner' AS role FROM projects WHERE owner_id = ?1
			UNION ALL
			SELECT project_id, role FROM project_collaborators WHERE user_id = ?1)
		SELECT p.*, (SELECT json_group_array(user_id) FROM (
				SELECT user_id FROM project_collaborators WHERE project_id = p.id ORDER BY added_at, user_id LIMIT 100)),
			(SELECT count(*) FROM project_collaborators WHERE project_id = p.id)
		FROM (
			SELECT p.id, p.name, p.description, p.owner_id, p.status, p.settings, p.created_at, p.updated_at, p.version, p.seq, fold(p.name) AS folded
			FROM mine JOIN projects p ON p.id = mine.id
			WHERE (?2 = '' OR p.status = ?2) AND (?3 = '' OR mine.role = ?3)
				AND (?4 = '' OR fold(p.name) LIKE ?4 ESCAPE '\' OR fold(p.description) LIKE ?4 ESCAPE '\')
				AND (?5 IS NULL OR coalesce(json_extract(p.settings, '$.public'), 0) = ?5)
				AND (?6 IS NULL OR `
	byCreation = `ORDER BY p.created_at DESC, p.id DESC`
	byChange   = `ORDER BY p.updated_at DESC, p.id DESC`
	byName     = `ORDER BY folded, p.id`
)

var (
	newestProjects  = stmt(mine + `(p.created_at, p.id) < (?7, ?6)) ` + byCreation + ` LIMIT ?8) p ` + byCreation)
	changedProjects = stmt(mine + `(p.updated_at, p.id) < (?7, ?6)) ` + byChange + ` LIMIT ?8) p ` + byChange)
	namedProjects   = stmt(mine + `(folded, p.id) > (?7, ?6)) ` + byName + ` LIMIT ?8) p ` + byName)
)

// ListProjects pages through a user's projects.
func (db *DB) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	statement, key := newestProjects, any(q.GetAfter().GetAt())
	switch q.GetSort() {
	case "-updated_at":
		statement = changedProjects
	case "name":
		statement, key = namedProjects, q.GetAfter().GetText()
	}
	var public any
	if q.Public != nil {
		public = q.GetPublic()
	}
	args := []any{q.GetUserId(), q.GetStatus(), q.GetRole(), substring(q.GetText()), public, orNull(q.GetAfter().GetId()), key, int64(q.GetLimit()) + 1}
	page := &messages.ProjectPage{}
	var last, beyond string // names as they sort: of the page's last project, and of the one after it
	err := db.read(ctx, "list projects", statement, args, func(r *row) error {
		p, folded, err := readListed(r)
		page.Items = append(page.Items, p)
		last, beyond = beyond, folded
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Items) > int(q.GetLimit()) {
		page.Items = page.Items[:q.GetLimit()]
		page.Next = pageKey(page.Items[len(page.Items)-1], q.GetSort(), last)
	}
	return page, nil
}

func pageKey(p *messages.Project, sort, folded string) *messages.PageKey {
	switch sort {
	case "-updated_at":
		return &messages.PageKey{Id: p.GetId(), At: p.GetUpdatedAt()}
	case "name":
		return &messages.PageKey{Id: p.GetId(), Text: folded}
	}
	return &messages.PageKey{Id: p.GetId(), At: p.GetCreatedAt()}
}

func readListed(r *row) (p *messages.Project, folded string, err error) {
	p = &messages.Project{Id: r.text(), Name: r.text(), Description: r.text(), OwnerId: r.text(), Status: r.text()}
	s, err := parseSettings(r.text())
	if err != nil {
		return nil, "", err
	}
	p.Settings = &messages.Settings{Public: s.Public, MaxCollaborators: int32(s.MaxCollaborators), AllowComments: s.AllowComments}
	p.CreatedAt, p.UpdatedAt, p.Version, p.Seq, folded = r.int(), r.int(), r.int(), r.int(), r.text()
	err = r.json(&p.Collaborators)
	p.CollaboratorCount = int32(r.int())
	return p, folded, err
}

// substring is the LIKE pattern of a text anywhere; empty for no filter.
func substring(s string) string {
	if s == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(s)) + "%"
}

const selectCollaborators = `
	SELECT c.user_id, c.role, c.added_at, c.added_by, u.name, u.profile
	FROM project_collaborators c JOIN users u ON u.id = c.user_id
	WHERE c.project_id = ?1`

var (
	firstCollaborators = stmt(selectCollaborators + ` ORDER BY c.added_at DESC, c.user_id DESC LIMIT ?2`)
	nextCollaborators  = stmt(selectCollaborators + ` AND (c.added_at, c.user_id) < (?3, ?4) ORDER BY c.added_at DESC, c.user_id DESC LIMIT ?2`)
)

// ListCollaborators pages through a project's collaborators, newest first.
func (db *DB) ListCollaborators(ctx context.Context, q *messages.CollaboratorQuery) (*messages.CollaboratorPage, error) {
	statement, args := firstCollaborators, []any{q.GetProjectId(), int64(q.GetLimit()) + 1}
	if after := q.GetAfter(); after != nil {
		statement, args = nextCollaborators, append(args, after.GetAt(), after.GetId())
	}
	page := &messages.CollaboratorPage{}
	err := db.read(ctx, "list collaborators", statement, args, func(r *row) (err error) {
		c := &messages.Collaborator{
			ProjectId: q.GetProjectId(), UserId: r.text(), Role: r.text(), AddedAt: r.int(), AddedBy: r.text(), User: &messages.PublicUser{Name: r.text()},
		}
		c.User.Id = c.UserId
		c.User.Profile, err = r.profile()
		page.Items = append(page.Items, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Items) > int(q.GetLimit()) {
		page.Items = page.Items[:q.GetLimit()]
		last := page.Items[len(page.Items)-1]
		page.Next = &messages.PageKey{Id: last.GetUserId(), At: last.GetAddedAt()}
	}
	return page, nil
}
