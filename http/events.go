package http

import (
	"context"
	"strconv"
	"strings"

	"atelier/messages"
)

type listEventsInput struct {
	projectInput
	list
	Since string `query:"since" maxLength:"100" doc:"Events behind this position: a seq, or an Atelier-Position."`
}

// listEvents pages through the log, oldest first. To go on later, ask for what
// came since the last seq.
func (s *Server) listEvents(ctx context.Context, c *call, in *listEventsInput) (*result[page[eventBody]], error) {
	if c.wantsStream() {
		return nil, s.stream(ctx, c, in)
	}
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	since, err := s.position(in.Since)
	if err != nil {
		return nil, err
	}
	return s.events(ctx, c, in.ProjectID, &messages.EventQuery{AfterSeq: max(since, after.GetSeq()), Limit: in.limit()})
}

// position reads a place in a project's log: its seq, with or without the log's
// identity in front. A position of another log says nothing about this one.
func (s *Server) position(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	log, number, named := strings.Cut(text, ":")
	if !named {
		number = log
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 0 {
		return 0, messages.Invalid("since", "format", "since must be a seq or an Atelier-Position")
	}
	if named && log != s.config.LogID {
		return 0, messages.Refuse(messages.CodeInvalidCursor, "the position is one of another event log; read from the beginning")
	}
	return seq, nil
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
	if _, err := s.mayRead(ctx, c, project); err != nil {
		return nil, err
	}
	q.Stream = messages.ProjectStream(project)
	found, err := s.deps.Queries.ListEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	body := &page[eventBody]{Items: make([]eventBody, 0, len(found.GetItems()))}
	for _, e := range found.GetItems() {
		body.Items = append(body.Items, eventOf(e, project))
	}
	if found.GetMore() {
		body.NextCursor = s.next(c, &messages.PageKey{Seq: body.Items[len(body.Items)-1].Seq})
	}
	return ok(body)
}
