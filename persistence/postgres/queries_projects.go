package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

// A user's projects are those that he owns and those that are shared with him,
// found by the indexes of both: a plan that is kept must not read all projects.
// Each sort pages by its key and the id.
const (
	mine = `
		WITH mine AS (
			SELECT p.*, 'owner' AS role FROM projects p WHERE p.owner_id = $1
			UNION ALL
			SELECT p.*, pc.role FROM project_collaborators pc JOIN projects p ON p.id = pc.project_id WHERE pc.user_id = $1)
		SELECT p.id, p.name, coalesce(p.description, ''), p.owner_id, p.status, p.settings, p.created_at, p.updated_at, p.version, p.seq,
			ARRAY(SELECT user_id FROM project_collaborators WHERE project_id = p.id ORDER BY added_at, user_id LIMIT 100),
			(SELECT count(*) FROM project_collaborators WHERE project_id = p.id), lower(p.name)
		FROM mine p
		WHERE ($2 = '' OR p.status = $2) AND ($3 = '' OR p.role = $3)
			AND ($4 = '' OR p.name ILIKE $4 OR p.description ILIKE $4)
			AND ($5::boolean IS NULL OR coalesce((p.settings->>'public')::boolean, false) = $5)
			AND ($6::uuid IS NULL OR `
	newestProjects  = mine + `(p.created_at, p.id) < ($7, $6)) ORDER BY p.created_at DESC, p.id DESC LIMIT $8`
	changedProjects = mine + `(p.updated_at, p.id) < ($7, $6)) ORDER BY p.updated_at DESC, p.id DESC LIMIT $8`
	namedProjects   = mine + `(lower(p.name), p.id) > ($7, $6)) ORDER BY lower(p.name), p.id LIMIT $8`
)

// ListProjects pages through a user's projects.
func (db *DB) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	user, ok := uuid(q.GetUserId())
	if !ok {
		return &messages.ProjectPage{}, nil
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	statement, key := newestProjects, any(micros(q.GetAfter().GetAt()))
	switch q.GetSort() {
	case "-updated_at":
		statement = changedProjects
	case "name":
		statement, key = namedProjects, q.GetAfter().GetText()
	}
	rows, err := db.reads.Query(ctx, statement, user, q.GetStatus(), q.GetRole(), substring(q.GetText()), q.Public, after, key, q.GetLimit()+1)
	if err != nil {
		return nil, asked("list projects", err)
	}
	items, err := pgx.CollectRows(rows, readListed)
	if err != nil {
		return nil, asked("list projects", err)
	}
	page := &messages.ProjectPage{}
	for _, item := range items[:min(len(items), int(q.GetLimit()))] {
		page.Items = append(page.Items, item.Project)
	}
	if len(items) > len(page.Items) && len(page.Items) > 0 {
		page.Next = items[len(page.Items)-1].key(q.GetSort())
	}
	return page, nil
}

// listed is a project in a list. Its name in lower case is the database's: only
// that sorts as the next page will.
type listed struct {
	*messages.Project
	lower string
}

func (l listed) key(sort string) *messages.PageKey {
	switch sort {
	case "-updated_at":
		return &messages.PageKey{Id: l.GetId(), At: l.GetUpdatedAt()}
	case "name":
		return &messages.PageKey{Id: l.GetId(), Text: l.lower}
	}
	return &messages.PageKey{Id: l.GetId(), At: l.GetCreatedAt()}
}

func readListed(row pgx.CollectableRow) (listed, error) {
	p := listed{Project: &messages.Project{}}
	var id, owner pgtype.UUID
	var set []byte
	var created, updated time.Time
	var members []pgtype.UUID
	err := row.Scan(&id, &p.Name, &p.Description, &owner, &p.Status, &set, &created, &updated, &p.Version, &p.Seq, &members, &p.CollaboratorCount, &p.lower)
	if err != nil {
		return p, err
	}
	s, err := parseSettings(set)
	p.Id, p.OwnerId, p.CreatedAt, p.UpdatedAt = text(id), text(owner), messages.Micros(created), messages.Micros(updated)
	p.Settings = &messages.Settings{Public: s.Public, MaxCollaborators: int32(s.MaxCollaborators), AllowComments: s.AllowComments}
	for _, m := range members {
		p.Collaborators = append(p.Collaborators, text(m))
	}
	return p, err
}

// substring is the LIKE pattern of a text anywhere; empty for no filter.
func substring(s string) string {
	if s == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// ListCollaborators pages through a project's collaborators, newest first.
func (db *DB) ListCollaborators(ctx context.Context, q *messages.CollaboratorQuery) (*messages.CollaboratorPage, error) {
	id, ok := uuid(q.GetProjectId())
	if !ok {
		return &messages.CollaboratorPage{}, nil
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	rows, err := db.reads.Query(ctx, `
		SELECT c.user_id, c.role, c.added_at, c.added_by, u.name, u.profile
		FROM project_collaborators c JOIN users u ON u.id = c.user_id
		WHERE c.project_id = $1 AND ($2::uuid IS NULL OR (c.added_at, c.user_id) < ($3, $2))
		ORDER BY c.added_at DESC, c.user_id DESC LIMIT $4`, id, after, micros(q.GetAfter().GetAt()), q.GetLimit()+1)
	if err != nil {
		return nil, asked("list collaborators", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.Collaborator, error) {
		c := &messages.Collaborator{ProjectId: q.GetProjectId(), User: &messages.PublicUser{}}
		var user, by pgtype.UUID
		var added time.Time
		var profile []byte
		if err := row.Scan(&user, &c.Role, &added, &by, &c.User.Name, &profile); err != nil {
			return nil, err
		}
		c.UserId, c.AddedAt, c.User.Id = text(user), messages.Micros(added), text(user)
		if by.Valid {
			c.AddedBy = text(by)
		}
		var err error
		c.User.Profile, err = parseProfile(profile)
		return c, err
	})
	if err != nil {
		return nil, asked("list collaborators", err)
	}
	page := &messages.CollaboratorPage{Items: items}
	if len(items) > int(q.GetLimit()) {
		page.Items = items[:q.GetLimit()]
		last := page.Items[len(page.Items)-1]
		page.Next = &messages.PageKey{Id: last.GetUserId(), At: last.GetAddedAt()}
	}
	return page, nil
}
