package rig

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// Database looks at the rows behind the nodes' backs.
type Database struct{ sql *sql.DB }

// Database opens the database of a node: the one of a URL, or, where that is
// empty, the embedded one of the node, which must have stopped.
func (s *Scenario) Database(url string, n *Node) *Database {
	s.Helper()
	driver, source := "pgx", url
	if url == "" {
		driver, source = "sqlite", "file:"+filepath.Join(n.Dir(), "atelier.db")
	}
	db, err := sql.Open(driver, source)
	s.Must(err)
	s.Cleanup(func() { db.Close() })
	return &Database{db}
}

// Hold keeps the locks that a query takes until it is told to release them.
func (s *Scenario) Hold(db *Database, query string, args ...any) (release func()) {
	s.Helper()
	tx, err := db.sql.BeginTx(s.Context(), nil)
	s.Must(err)
	_, err = tx.ExecContext(s.Context(), query, args...)
	s.Must(err)
	return func() { s.Must(tx.Rollback()) }
}

// Int asks for one number.
func (d *Database) Int(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.one(ctx, &n, query, args...)
	return n, err
}

// Text asks for one text.
func (d *Database) Text(ctx context.Context, query string, args ...any) (text string, err error) {
	err = d.one(ctx, &text, query, args...)
	return text, err
}

// one asks again on the connections that are kept from before Postgres was killed.
func (d *Database) one(ctx context.Context, into any, query string, args ...any) (err error) {
	for range 5 {
		err = d.sql.QueryRowContext(ctx, query, args...).Scan(into)
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			break
		}
	}
	return err
}

// Await asks until the answer is at least the wanted one, and says whether it
// came to that in time.
func (s *Scenario) Await(db *Database, within time.Duration, query string, want int64, args ...any) bool {
	s.Helper()
	for deadline := time.Now().Add(within); ; {
		n, err := db.Int(s.Context(), query, args...)
		s.Must(err)
		if n >= want {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Created counts the projects that were ever created with these names.
func (d *Database) Created(ctx context.Context) (map[string]int, error) {
	rows, err := d.sql.QueryContext(ctx, `SELECT data FROM events WHERE type = 'project.created'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	times := map[string]int{}
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		times[Event{Data: data}.Named()]++
	}
	return times, rows.Err()
}

// Content is a project whatever way one looks at it: its rows, the fold of its
// log, or what a node shows.
type Content struct {
	Name    string
	Limit   int
	Version int64
	Seq     int64
	Roles   map[string]string
}

func (c Content) String() string {
	var in []string
	for user, role := range c.Roles {
		in = append(in, "…"+user[len(user)-4:]+" "+role)
	}
	slices.Sort(in)
	return fmt.Sprintf("%q, version %d, seq %d, limit %d, {%s}", c.Name, c.Version, c.Seq, c.Limit, strings.Join(in, ", "))
}

// Equal compares contents.
func (c Content) Equal(other Content) bool {
	return c.Name == other.Name && c.Limit == other.Limit && c.Version == other.Version && c.Seq == other.Seq && maps.Equal(c.Roles, other.Roles)
}

// Rows reads a project's rows.
func (d *Database) Rows(ctx context.Context, project string) (Content, error) {
	c := Content{Roles: map[string]string{}}
	var settings []byte
	err := d.sql.QueryRowContext(ctx, `SELECT name, settings, version, seq FROM projects WHERE id = $1`, project).Scan(&c.Name, &settings, &c.Version, &c.Seq)
	if err != nil {
		return c, err
	}
	var set struct {
		MaxCollaborators int `json:"max_collaborators"`
	}
	if err := json.Unmarshal(settings, &set); err != nil {
		return c, err
	}
	c.Limit = set.MaxCollaborators
	rows, err := d.sql.QueryContext(ctx, `SELECT user_id, role FROM project_collaborators WHERE project_id = $1`, project)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var user, role string
		if err := rows.Scan(&user, &role); err != nil {
			return c, err
		}
		c.Roles[user] = role
	}
	return c, rows.Err()
}

// Log reads a stream of the log.
func (d *Database) Log(ctx context.Context, stream string) ([]Event, error) {
	rows, err := d.sql.QueryContext(ctx, `SELECT id, seq, type, data FROM events WHERE stream = $1 ORDER BY seq`, stream)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		var e Event
		var data []byte
		if err := rows.Scan(&e.ID, &e.Seq, &e.Type, &data); err != nil {
			return nil, err
		}
		e.Data = data
		events = append(events, e)
	}
	return events, rows.Err()
}

// Events reads the whole log, stream by stream.
func (d *Database) Events(ctx context.Context) ([]StreamEvent, error) {
	rows, err := d.sql.QueryContext(ctx, `SELECT stream, id, seq, type, data FROM events ORDER BY stream, seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []StreamEvent
	for rows.Next() {
		var e StreamEvent
		var data []byte
		if err := rows.Scan(&e.Stream, &e.ID, &e.Seq, &e.Type, &data); err != nil {
			return nil, err
		}
		e.Data = data
		events = append(events, e)
	}
	return events, rows.Err()
}

// Fold plays a project's log. It is an error when seq has a gap, when the limit
// did not hold at some moment, or when an event makes no sense where it stands.
func Fold(events []Event) (Content, error) {
	c := Content{Roles: map[string]string{}}
	for _, e := range events {
		if e.Seq != c.Seq+1 {
			return c, fmt.Errorf("seq %d is followed by %d", c.Seq, e.Seq)
		}
		c.Seq++
		c.Version++
		if err := c.apply(e); err != nil {
			return c, fmt.Errorf("seq %d, %s %s: %w", e.Seq, e.Type, e.Data, err)
		}
	}
	return c, nil
}

// apply plays one event of those that the scenarios cause, each of which is a
// command of its own.
func (c *Content) apply(e Event) error {
	var data struct {
		Name             *string `json:"name"`
		UserID           string  `json:"user_id"`
		Role             string  `json:"role"`
		MaxCollaborators *int    `json:"max_collaborators"`
		Settings         struct {
			MaxCollaborators int `json:"max_collaborators"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return err
	}
	_, in := c.Roles[data.UserID]
	switch e.Type {
	case "project.created":
		c.Limit = data.Settings.MaxCollaborators
	case "project.collaborator_added":
		if in {
			return fmt.Errorf("is in already")
		}
		c.Roles[data.UserID] = data.Role
	case "project.collaborator_removed", "project.role_changed":
		if !in {
			return fmt.Errorf("is not in")
		}
		if c.Roles[data.UserID] = data.Role; e.Type == "project.collaborator_removed" {
			delete(c.Roles, data.UserID)
		}
	case "project.settings_changed", "project.updated":
		if data.MaxCollaborators != nil {
			c.Limit = *data.MaxCollaborators
		}
	default:
		return fmt.Errorf("is not expected here")
	}
	if data.Name != nil {
		c.Name = *data.Name
	}
	if len(c.Roles) > c.Limit {
		return fmt.Errorf("%d collaborators, the limit is %d", len(c.Roles), c.Limit)
	}
	return nil
}

// Shown is what the client's node shows of a project.
func (c *Client) Shown(ctx context.Context, project string) (Content, error) {
	p, r := c.Project(ctx, project)
	if p == nil {
		return Content{}, fmt.Errorf("project: %s", r)
	}
	roles, r := c.Roles(ctx, project)
	if roles == nil {
		return Content{}, fmt.Errorf("collaborators: %s", r)
	}
	return Content{Name: p.Name, Limit: p.Settings.MaxCollaborators, Version: p.Version, Seq: p.Seq, Roles: roles}, nil
}

// Compare holds the ways to look at a project against each other once all is
// quiet: its rows, the fold of its log in the database, the outbox, and what
// each client's node shows of the project and of its log.
func (s *Scenario) Compare(db *Database, project string, clients ...*Client) Content {
	s.Helper()
	ctx := s.Context()
	rows, err := db.Rows(ctx, project)
	s.Must(err)
	events, err := db.Log(ctx, "projects/"+project)
	s.Must(err)
	folded, err := Fold(events)
	switch {
	case err != nil:
		s.Found("project %s: its log: %v", project, err)
	case !folded.Equal(rows):
		s.Found("project %s: its rows are %s; its log says %s", project, rows, folded)
	}
	strange, err := db.Int(ctx, `SELECT count(*) FROM outbox o LEFT JOIN events e ON e.id = o.event_id AND e.seq = o.seq WHERE o.stream = $1 AND e.id IS NULL`, "projects/"+project)
	s.Must(err)
	outgoing, err := db.Int(ctx, `SELECT count(*) FROM outbox WHERE stream = $1`, "projects/"+project)
	s.Must(err)
	// Without a broker events leave the outbox once the nodes have had them.
	broker := slices.ContainsFunc(clients, func(c *Client) bool { return c.Node.Setting("ATELIER_AMQP_URL") != "" })
	if strange > 0 || broker && int(outgoing) != len(events) {
		s.Found("project %s: %d events; the outbox has %d, %d of them of no event", project, len(events), outgoing, strange)
	}
	for _, c := range clients {
		shown, err := c.Shown(ctx, project)
		if err != nil {
			s.Found("project %s on node %s: %v", project, c.Node.Name, err)
			continue
		}
		if !shown.Equal(rows) {
			s.Found("project %s: its rows are %s; node %s shows %s", project, rows, c.Node.Name, shown)
		}
		s.compareLogs(c, project, events)
	}
	return rows
}

func (s *Scenario) compareLogs(c *Client, project string, events []Event) {
	s.Helper()
	page, r := c.Log(s.Context(), project)
	if !r.OK() || len(page) != len(events) {
		s.Found("project %s: %d events in the database, node %s lists %d (%s)", project, len(events), c.Node.Name, len(page), r.Code)
		return
	}
	for i, e := range page {
		if e.ID != events[i].ID || e.Seq != events[i].Seq || e.Type != events[i].Type {
			s.Found("project %s: event %d is %s %s in the database, node %s lists %d %s %s",
				project, events[i].Seq, events[i].ID, events[i].Type, c.Node.Name, e.Seq, e.ID, e.Type)
			return
		}
	}
}
