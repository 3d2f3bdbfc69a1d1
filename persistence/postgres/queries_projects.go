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
		SELECT `
	listedColumns = `p.id, p.name, coalesce(p.description, ''), p.owner_id, p.status, p.settings, p.created_at, p.updated_at, p.version, p.seq,
			ARRAY(SELECT user_id FROM project_collaborators WHERE project_id = p.id ORDER BY added_at, user_id LIMIT 100),
			(SELECT count(*) FROM project_collaborators WHERE project_id = p.id), lower(p.name)`
	foundColumns = `p.id, p.version, p.updated_at, p.created_at, lower(p.name)`
	chosen       = `
		FROM mine p
		WHERE ($2 = '' OR p.status = $2) AND ($3 = '' OR p.role = $3)
			AND ($4 = '' OR p.name ILIKE $4 OR p.description ILIKE $4)
			AND ($5::boolean IS NULL OR coalesce((p.settings->>'public')::boolean, false) = $5)
			AND ($6::uuid IS NULL OR `
	newest  = chosen + `(p.created_at, p.id) < ($7, $6)) ORDER BY p.created_at DESC, p.id DESC LIMIT $8`
	changed = chosen + `(p.updated_at, p.id) < ($7, $6)) ORDER BY p.updated_at DESC, p.id DESC LIMIT $8`
	named   = chosen + `(lower(p.name), p.id) > ($7, $6)) ORDER BY lower(p.name), p.id LIMIT $8`
)

// ListProjects pages through a user's projects.
func (db *DB) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	return anywhere(ctx, db, q, listProjects)
}

func listProjects(ctx context.Context, from querier, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	items, next, err := mineOf(ctx, from, q, listedColumns, readListed)
	page := &messages.ProjectPage{Next: next}
	for _, item := range items {
		page.Items = append(page.Items, item.Project)
	}
	return page, err
}

// FindProjects is ListProjects without what has to be worked out.
func (db *DB) FindProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.FoundProjects, error) {
	return anywhere(ctx, db, q, findProjects)
}

func findProjects(ctx context.Context, from querier, q *messages.ProjectQuery) (*messages.FoundProjects, error) {
	items, next, err := mineOf(ctx, from, q, foundColumns, func(row pgx.CollectableRow) (listed, error) {
		p := listed{Project: &messages.Project{}}
		var id pgtype.UUID
		var created, updated time.Time
		err := row.Scan(&id, &p.Version, &updated, &created, &p.lower)
		p.Id, p.CreatedAt, p.UpdatedAt = text(id), messages.Micros(created), messages.Micros(updated)
		return p, err
	})
	found := &messages.FoundProjects{Next: next}
	for _, p := range items {
		found.Items = append(found.Items, messages.FoundProject{ID: p.GetId(), Stamp: messages.StampOf(p.GetVersion(), p.GetUpdatedAt())})
	}
	return found, err
}

// mineOf is a page of a user's projects, by these columns, and where the next one
// begins.
func mineOf(ctx context.Context, from querier, q *messages.ProjectQuery, columns string, read pgx.RowToFunc[listed]) ([]listed, *messages.PageKey, error) {
	user, ok := uuid(q.GetUserId())
	if !ok {
		return nil, nil, nil
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	order, key := newest, any(micros(q.GetAfter().GetAt()))
	switch q.GetSort() {
	case "-updated_at":
		order = changed
	case "name":
		order, key = named, q.GetAfter().GetText()
	}
	rows, err := from.Query(ctx, mine+columns+order, user, q.GetStatus(), q.GetRole(), substring(q.GetText()), q.Public, after, key, q.GetLimit()+1)
	if err != nil {
		return nil, nil, asked("list projects", err)
	}
	items, err := pgx.CollectRows(rows, read)
	if err != nil {
		return nil, nil, asked("list projects", err)
	}
	items, next := messages.Cut(items, int(q.GetLimit()), func(last listed) *messages.PageKey { return last.key(q.GetSort()) })
	return items, next, nil
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
	return anywhere(ctx, db, q, listCollaborators)
}

func listCollaborators(ctx context.Context, from querier, q *messages.CollaboratorQuery) (*messages.CollaboratorPage, error) {
	id, ok := uuid(q.GetProjectId())
	if !ok {
		return &messages.CollaboratorPage{}, nil
	}
	var after pgtype.UUID
	if q.GetAfter() != nil {
		after, _ = uuid(q.GetAfter().GetId())
	}
	rows, err := from.Query(ctx, `
		SELECT c.user_id, c.role, c.added_at, c.added_by, u.name, u.profile, p.version
		FROM project_collaborators c JOIN users u ON u.id = c.user_id JOIN projects p ON p.id = c.project_id
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
		if err := row.Scan(&user, &c.Role, &added, &by, &c.User.Name, &profile, &c.Version); err != nil {
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
	page := &messages.CollaboratorPage{}
	page.Items, page.Next = messages.Cut(items, int(q.GetLimit()), messages.ByAddition)
	return page, nil
}
