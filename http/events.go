package http

import (
	"context"

	"atelier/messages"
)

type listEventsInput struct {
	projectInput
	list
	Since int64 `query:"since" minimum:"0" doc:"Events behind this position."`
}

// listEvents pages through the log, oldest first. To go on later, ask for what
// came since the last seq.
func (s *Server) listEvents(ctx context.Context, c *call, in *listEventsInput) (*result[page[eventBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	return s.events(ctx, c, in.ProjectID, &messages.EventQuery{AfterSeq: max(in.Since, after.GetSeq()), Limit: in.limit()})
}

type listActivityInput struct {
	projectInput
	list
}

func (s *Server) listActivity(ctx context.Context, c *call, in *listActivityInput) (*result[page[eventBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	return s.events(ctx, c, in.ProjectID, &messages.EventQuery{BeforeSeq: after.GetSeq(), NewestFirst: true, Limit: in.limit()})
}

func (s *Server) events(ctx context.Context, c *call, project string, q *messages.EventQuery) (*result[page[eventBody]], error) {
	if err := s.mayRead(ctx, c, project); err != nil {
		return nil, err
	}
	q.Stream = messages.ProjectStream(project)
	found, err := s.deps.Queries.ListEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	body := &page[eventBody]{Items: make([]eventBody, 0, len(found.GetItems()))}
	for _, e := range found.GetItems() {
		item, err := eventOf(e, project)
		if err != nil {
			return nil, err
		}
		body.Items = append(body.Items, item)
	}
	if found.GetMore() {
		body.NextCursor = s.next(c, &messages.PageKey{Seq: body.Items[len(body.Items)-1].Seq})
	}
	return ok(body)
}
