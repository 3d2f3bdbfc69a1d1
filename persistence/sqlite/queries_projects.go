package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"atelier/messages"
)

// A user's projects are those that he owns and those that are shared with him:
// the newest of either kind by index and without a sort where the index has the
// order, then the newest of both. What a project's row does not hold is looked
// up for those of the page alone, hence in a query around it.
const (
	owned  = `FROM projects p WHERE p.owner_id = ?1 AND (?3 = '' OR ?3 = 'owner')`
	shared = `
		FROM project_collaborators c CROSS JOIN projects p ON p.id = c.project_id
		WHERE c.user_id = ?1 AND (?3 = '' OR ?3 = c.role)`
	chosen = `
		AND (?2 = '' OR p.status = ?2)
		AND (?4 = '' OR fold(p.name) LIKE ?4 ESCAPE '\' OR fold(p.description) LIKE ?4 ESCAPE '\')
		AND (?5 IS NULL OR coalesce(json_extract(p.settings, '$.public'), 0) = ?5)`
	listed = `
		SELECT p.id, p.name, p.description, p.owner_id, p.status, p.settings, p.created_at, p.updated_at, p.version, p.seq,
			(SELECT json_group_array(user_id) FROM (
				SELECT user_id FROM project_collaborators WHERE project_id = p.id ORDER BY added_at, user_id LIMIT 100)),
			(SELECT count(*) FROM project_collaborators WHERE project_id = p.id), p.key
		FROM `
)

// listing pages by a key and the id: its first page and the next ones.
type listing struct{ first, next *statement }

func listingBy(key, direction, beyond string) listing {
	order := fmt.Sprintf(` ORDER BY key %[1]s, id %[1]s`, direction)
	text := func(more string) *statement {
		of := func(kind string) string {
			return `SELECT * FROM (SELECT p.*, ` + key + ` AS key ` + kind + chosen + more + order + ` LIMIT ?6)`
		}
		return stmt(listed + `(` + of(owned) + ` UNION ALL ` + of(shared) + order + ` LIMIT ?6) p` + order)
	}
	return listing{text(``), text(fmt.Sprintf(` AND (%s, p.id) %s (?7, ?8)`, key, beyond))}
}

var (
	newestProjects  = listingBy(`p.created_at`, `DESC`, `<`)
	changedProjects = listingBy(`p.updated_at`, `DESC`, `<`)
	namedProjects   = listingBy(`fold(p.name)`, `ASC`, `>`)
)

// ListProjects pages through a user's projects.
func (db *DB) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	var public any
	if q.Public != nil {
		public = q.GetPublic()
	}
	args := []any{q.GetUserId(), q.GetStatus(), q.GetRole(), substring(q.GetText()), public, int64(q.GetLimit()) + 1}
	by, key := newestProjects, any(q.GetAfter().GetAt())
	switch q.GetSort() {
	case "-updated_at":
		by = changedProjects
	case "name":
		by, key = namedProjects, q.GetAfter().GetText()
	}
	statement := by.first
	if after := q.GetAfter(); after != nil {
		statement, args = by.next, append(args, key, after.GetId())
	}
	page := &messages.ProjectPage{}
	var keys []any
	err := db.read(ctx, "list projects", statement, args, func(r *row) error {
		p, err := readListed(r)
		page.Items, keys = append(page.Items, p), append(keys, r.value())
		return err
	})
	if err != nil {
		return nil, err
	}
	if last := int(q.GetLimit()) - 1; last >= 0 && len(page.Items) > last+1 {
		page.Items = page.Items[:last+1]
		page.Next = &messages.PageKey{Id: page.Items[last].GetId()}
		page.Next.At, _ = keys[last].(int64)
		page.Next.Text, _ = keys[last].(string)
	}
	return page, nil
}

func readListed(r *row) (*messages.Project, error) {
	p := &messages.Project{Id: r.text(), Name: r.text(), Description: r.text(), OwnerId: r.text(), Status: r.text()}
	s, err := parseSettings(r.text())
	p.Settings = &messages.Settings{Public: s.Public, MaxCollaborators: int32(s.MaxCollaborators), AllowComments: s.AllowComments}
	p.CreatedAt, p.UpdatedAt, p.Version, p.Seq = r.int(), r.int(), r.int(), r.int()
	err = errors.Join(err, r.json(&p.Collaborators))
	p.CollaboratorCount = int32(r.int())
	return p, err
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
