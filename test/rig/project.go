package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Project is the resource, as far as the rig looks at it.
type Project struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Settings struct {
		MaxCollaborators int `json:"max_collaborators"`
	} `json:"settings"`
	Collaborators     []string `json:"collaborators"`
	CollaboratorCount int      `json:"collaborator_count"`
	Version           int64    `json:"version"`

	Seq int64 `json:"-"` // head of its log, from Atelier-Position
}

// Event is a row of the log, as the API shows it.
type Event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Seq  int64           `json:"seq"`
	Data json.RawMessage `json:"data"`
}

// Named is the name that the event gave the project; empty when it gave none.
func (e Event) Named() string {
	var data struct{ Name string }
	_ = json.Unmarshal(e.Data, &data)
	return data.Name
}

// CreateProject starts a project.
func (c *Client) CreateProject(ctx context.Context, name string, limit int, headers ...Header) (*Project, *Reply) {
	return projectOf(c.Do(ctx, "POST", "/projects", map[string]any{"name": name, "settings": map[string]int{"max_collaborators": limit}}, headers...))
}

// Project reads a project.
func (c *Client) Project(ctx context.Context, id string) (*Project, *Reply) {
	return projectOf(c.Do(ctx, "GET", "/projects/"+id, nil))
}

// SetLimit changes how many collaborators the project may have.
func (c *Client) SetLimit(ctx context.Context, id string, limit int) (*Project, *Reply) {
	return projectOf(c.Do(ctx, "PATCH", "/projects/"+id, map[string]any{"settings": map[string]int{"max_collaborators": limit}}))
}

// Rename changes the project's name.
func (c *Client) Rename(ctx context.Context, id, name string) (*Project, *Reply) {
	return projectOf(c.Do(ctx, "PATCH", "/projects/"+id, map[string]any{"name": name}))
}

func projectOf(r *Reply) (*Project, *Reply) {
	var p Project
	if r.Into(&p) != nil {
		return nil, r
	}
	_, seq, _ := strings.Cut(r.Header.Get("Atelier-Position"), ":")
	p.Seq, _ = strconv.ParseInt(seq, 10, 64)
	return &p, r
}

// Version is the version of the project in the answer's ETag; 0 without one.
func (r *Reply) Version() int64 {
	version, _ := strconv.ParseInt(strings.Trim(r.Header.Get("ETag"), `"`), 10, 64)
	return version
}

// Add lets a user in.
func (c *Client) Add(ctx context.Context, project, user, role string, headers ...Header) *Reply {
	return c.Do(ctx, "POST", "/projects/"+project+"/collaborators", map[string]string{"user_id": user, "role": role}, headers...)
}

// Remove takes a collaborator out.
func (c *Client) Remove(ctx context.Context, project, user string) *Reply {
	return c.Do(ctx, "DELETE", "/projects/"+project+"/collaborators/"+user, nil)
}

// ChangeRole gives a collaborator another role.
func (c *Client) ChangeRole(ctx context.Context, project, user, role string) *Reply {
	return c.Do(ctx, "PATCH", "/projects/"+project+"/collaborators/"+user, map[string]string{"role": role})
}

// Roles lists the collaborators, at most 100, with their roles.
func (c *Client) Roles(ctx context.Context, project string) (map[string]string, *Reply) {
	r := c.Do(ctx, "GET", "/projects/"+project+"/collaborators?limit=100", nil)
	var page struct {
		Items []struct {
			UserID string `json:"user_id"`
			Role   string `json:"role"`
		} `json:"items"`
	}
	if r.Into(&page) != nil {
		return nil, r
	}
	roles := make(map[string]string, len(page.Items))
	for _, m := range page.Items {
		roles[m.UserID] = m.Role
	}
	return roles, r
}

// RoleOf asks the project for the role of one user; empty: none.
func (c *Client) RoleOf(ctx context.Context, project, user string) (string, *Reply) {
	r := c.Do(ctx, "GET", "/projects/"+project+"/permissions?user="+user, nil)
	var body struct{ Role string }
	_ = r.Into(&body)
	return body.Role, r
}

// EventsPage is how many events a page of the log may have.
const EventsPage = 100

// Events reads a page of the log behind a position.
func (c *Client) Events(ctx context.Context, project string, since int64) ([]Event, *Reply) {
	r := c.Do(ctx, "GET", fmt.Sprintf("/projects/%s/events?limit=%d&since=%d", project, EventsPage, since), nil)
	var page struct {
		Items []Event `json:"items"`
	}
	if r.Into(&page) != nil {
		return nil, r
	}
	return page.Items, r
}

// Log reads the whole log.
func (c *Client) Log(ctx context.Context, project string) (all []Event, r *Reply) {
	for {
		page, r := c.Events(ctx, project, int64(len(all)))
		if all = append(all, page...); !r.OK() || len(page) < EventsPage {
			return all, r
		}
	}
}
