package http

import (
	"context"
	"slices"
	"strings"
	"time"

	"atelier/messages"
)

// presenceTimeout bounds the wait for the node that knows who is in a project.
const presenceTimeout = 2 * time.Second

func (s *Server) tablePresence() {
	add(s, operation{ID: "listPresence", Method: "GET", Path: "/projects/{project_id}/presence", Summary: "Who is in the project now, each user once, with what he last said of himself", Permission: projectRead, Status: 200, List: true,
		Codes: []string{messages.CodeNotFound}}, s.listPresence)
}

type presentBody struct {
	UserID string     `json:"user_id" format:"uuid"`
	Name   string     `json:"name"`
	State  freeObject `json:"state" doc:"As the user's client said it last; empty where it has said nothing"`
}

type listPresenceInput struct {
	projectInput
	list
}

func (s *Server) listPresence(ctx context.Context, c *call, in *listPresenceInput) (*result[page[presentBody]], error) {
	if _, err := s.mayRead(ctx, c, in.ProjectID); err != nil {
		return nil, err
	}
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, presenceTimeout)
	defer cancel()
	here, err := s.deps.Live.Presence(ctx, in.ProjectID)
	if err != nil {
		return nil, err
	}
	here = slices.SortedFunc(slices.Values(here), func(a, b messages.Present) int { return strings.Compare(a.UserID, b.UserID) })
	first, found := slices.BinarySearchFunc(here, after.GetId(), func(p messages.Present, id string) int { return strings.Compare(p.UserID, id) })
	if found {
		first++
	}
	here, next := messages.Cut(here[first:], int(in.limit()), func(last messages.Present) *messages.PageKey { return &messages.PageKey{Id: last.UserID} })
	body := &page[presentBody]{Items: make([]presentBody, 0, len(here)), NextCursor: s.next(c, next)}
	for _, p := range here {
		body.Items = append(body.Items, presentOf(p))
	}
	return ok(body)
}

func presentOf(p messages.Present) presentBody {
	state := freeObject(p.State)
	if state == nil {
		state = freeObject("{}")
	}
	return presentBody{UserID: p.UserID, Name: p.Name, State: state}
}
