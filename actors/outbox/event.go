package outbox

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"atelier/messages"
)

// Shards is how many parts the outbox has; a stream stays in one.
const Shards = messages.OutboxShards

// ShardOf is the shard of a stream.
func ShardOf(stream string) int {
	h := fnv.New32a()
	h.Write([]byte(stream))
	return int(h.Sum32() % Shards)
}

// Event is an event on its way out.
type Event struct {
	ID         string // UUID v7
	Shard      int
	Stream     string // users/<id> or projects/<id>
	Seq        int64
	Type       string
	OccurredAt time.Time // microseconds
	Trace      string    // W3C traceparent; may be empty
	Data       []byte    // JSON
}

// ContentType is that of what Render makes.
const ContentType = "application/cloudevents+json"

// envelope is a CloudEvent 1.0 in the structured JSON mode
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Traceparent     string          `json:"traceparent,omitempty"`
	Seq             int64           `json:"seq"`
	Data            json.RawMessage `json:"data"`
}

// ErrUnrenderable says that an event has no form in which it could be sent.
var ErrUnrenderable = errors.New("the event cannot be rendered")

// Render is the form of an event in which all outside get it.
func Render(e Event) ([]byte, error) {
	kind, id, _ := strings.Cut(e.Stream, "/")
	if e.ID == "" || e.Type == "" || id == "" || (kind != "users" && kind != "projects") || !json.Valid(e.Data) {
		return nil, ErrUnrenderable
	}
	return json.Marshal(envelope{
		SpecVersion: "1.0", ID: e.ID, Source: "/" + e.Stream, Type: e.Type, Subject: id,
		Time: e.OccurredAt.UTC().Format("2006-01-02T15:04:05.000000Z"), DataContentType: "application/json",
		Traceparent: e.Trace, Seq: e.Seq, Data: e.Data,
	})
}

// Parse reads what Render has made.
func Parse(body []byte) (Event, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, err
	}
	if e.ID == "" || e.Type == "" || e.Source == "" {
		return Event{}, errors.New("this is no event: it lacks its id, its type or its source")
	}
	at, err := time.Parse(time.RFC3339, e.Time)
	stream := strings.TrimPrefix(e.Source, "/")
	return Event{
		ID: e.ID, Shard: ShardOf(stream), Stream: stream, Seq: e.Seq, Type: e.Type, OccurredAt: at, Trace: e.Traceparent, Data: e.Data,
	}, err
}

// MustRoute reports whether the broker must have a queue for events of a type. Of
// all others one that no queue wants has been sent.
func MustRoute(kind string) bool { return kind == "user.created" || kind == "project.created" }
