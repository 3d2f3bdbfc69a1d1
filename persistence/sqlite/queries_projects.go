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
	found = `SELECT p.id, p.version, p.updated_at, p.key FROM `
)

// listing pages by a key and the id: its first page and the next ones, and the same
// without what has to be worked out.
type listing struct{ first, next, findFirst, findNext *statement }

func listingBy(key, direction, beyond string) listing {
	order := fmt.Sprintf(` ORDER BY key %[1]s, id %[1]s`, direction)
	text := func(columns, more string) *statement {
		of := func(kind string) string {
			return `SELECT * FROM (SELECT p.*, ` + key + ` AS key ` + kind + chosen + more + order + ` LIMIT ?6)`
		}
		return stmt(columns + `(` + of(owned) + ` UNION ALL ` + of(shared) + order + ` LIMIT ?6) p` + order)
	}
	next := fmt.Sprintf(` AND (%s, p.id) %s (?7, ?8)`, key, beyond)
	return listing{text(listed, ``), text(listed, next), text(found, ``), text(found, next)}
}

var (
	newestProjects  = listingBy(`p.created_at`, `DESC`, `<`)
	changedProjects = listingBy(`p.updated_at`, `DESC`, `<`)
	namedProjects   = listingBy(`fold(p.name)`, `ASC`, `>`)
)

// ListProjects pages through a user's projects.
func (db *DB) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	items, next, err := mineOf(ctx, db, q, func(l listing) (first, next *statement) { return l.first, l.next }, readListed)
	return &messages.ProjectPage{Items: items, Next: next}, err
}

// FindProjects is ListProjects without what has to be worked out.
func (db *DB) FindProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.FoundProjects, error) {
	items, next, err := mineOf(ctx, db, q, func(l listing) (first, next *statement) { return l.findFirst, l.findNext }, func(r *row) (messages.FoundProject, error) {
		return messages.FoundProject{ID: r.text(), Stamp: messages.StampOf(r.int(), r.int())}, nil
	})
	return &messages.FoundProjects{Items: items, Next: next}, err
}

// mineOf is a page of a user's projects, by some statements, and where the next one
// begins. Their last column is the key.
func mineOf[I interface{ GetId() string }](ctx context.Context, db *DB, q *messages.ProjectQuery, by func(listing) (first, next *statement), read func(*row) (I, error)) (items []I, next *messages.PageKey, err error) {
	var public any
	if q.Public != nil {
		public = q.GetPublic()
	}
	args := []any{q.GetUserId(), q.GetStatus(), q.GetRole(), substring(q.GetText()), public, int64(q.GetLimit()) + 1}
	order, key := newestProjects, any(q.GetAfter().GetAt())
	switch q.GetSort() {
	case "-updated_at":
		order = changedProjects
	case "name":
		order, key = namedProjects, q.GetAfter().GetText()
	}
	statement, further := by(order)
	if after := q.GetAfter(); after != nil {
		statement, args = further, append(args, key, after.GetId())
	}
	var keys []any
	err = db.read(ctx, "list projects", statement, args, func(r *row) error {
		p, err := read(r)
		items, keys = append(items, p), append(keys, r.value())
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if last := int(q.GetLimit()) - 1; last >= 0 && len(items) > last+1 {
		items = items[:last+1]
		next = &messages.PageKey{Id: items[last].GetId()}
		next.At, _ = keys[last].(int64)
		next.Text, _ = keys[last].(string)
	}
	return items, next, nil
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
	SELECT c.user_id, c.role, c.added_at, c.added_by, u.name, u.profile, p.version
	FROM project_collaborators c JOIN users u ON u.id = c.user_id JOIN projects p ON p.id = c.project_id
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
		c.Version = r.int()
		page.Items = append(page.Items, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	page.Items, page.Next = messages.Cut(page.Items, int(q.GetLimit()), messages.ByAddition)
	return page, nil
}
