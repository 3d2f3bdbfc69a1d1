package http

import (
	"context"
	"encoding/json"
	"strings"

	"atelier/messages"
)

// feedEventBody is an event of whatever stream.
type feedEventBody struct {
	ID         string     `json:"id" format:"uuid"`
	Type       string     `json:"type"`
	UserID     string     `json:"user_id,omitempty" format:"uuid" doc:"Whose event it is, or project_id"`
	ProjectID  string     `json:"project_id,omitempty" format:"uuid"`
	Seq        int64      `json:"seq" doc:"Counts the events of this user or project"`
	ActorID    string     `json:"actor_id"`
	OccurredAt string     `json:"occurred_at" format:"date-time"`
	Data       freeObject `json:"data" doc:"The changed fields with their new values"`
}

type listFeedInput struct{ list }

// listFeed pages through all events that the caller may see, in the order in which
// they could first be seen. Behind the last of them the cursor stays good: asked
// again later, it leads to what has happened since.
func (s *Server) listFeed(ctx context.Context, c *call, in *listFeedInput) (*result[page[feedEventBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	q := &messages.FeedQuery{UserID: c.userID(), After: after.GetSeq(), Limit: int(in.limit())}
	all := c.has(roleAdmin)
	if all {
		q.UserID = ""
	}
	found, err := s.deps.Queries.ListFeed(ctx, q)
	if err != nil {
		return nil, err
	}
	body := &page[feedEventBody]{Items: make([]feedEventBody, 0, len(found.Items))}
	for _, e := range found.Items {
		body.Items = append(body.Items, feedEventOf(e, all))
	}
	body.NextCursor = s.next(c, &messages.PageKey{Seq: found.Last})
	return ok(body)
}

func feedEventOf(e *messages.EventRecord, all bool) feedEventBody {
	body := feedEventBody{
		ID: e.GetId(), Type: e.GetType(), Seq: e.GetSeq(), ActorID: e.GetActorId(), OccurredAt: timeText(e.GetOccurredAt()), Data: e.GetData(),
	}
	switch kind, id, _ := strings.Cut(e.GetStream(), "/"); kind {
	case "users":
		body.UserID = id
	case "projects":
		body.ProjectID = id
	}
	if !all && e.GetType() == "user.suspended" {
		body.Data, body.ActorID = withoutReason(e.GetData()), ""
	}
	return body
}

// withoutReason leaves out what is shown to administrators alone.
func withoutReason(data []byte) freeObject {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return freeObject(`{}`)
	}
	delete(fields, "reason")
	delete(fields, "by")
	text, _ := json.Marshal(fields)
	return text
}
