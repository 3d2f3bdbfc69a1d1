package rig

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// audit is a queue of the rig's own for all events.
const audit = "audit"

// goodbye is how long a broker has for one.
const goodbye = time.Second

// broker opens a channel, for the time of the scenario.
func (s *Scenario) broker(url string) *amqp.Channel {
	s.Helper()
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: time.Minute, Dial: amqp.DefaultDial(patience)})
	s.Must(err)
	s.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(goodbye)) })
	c, err := conn.Channel()
	s.Must(err)
	return c
}

// Audit declares a queue that gets every event.
func (s *Scenario) Audit(url string) {
	s.Helper()
	c := s.broker(url)
	_, err := c.QueueDeclare(audit, true, false, false, false, nil)
	s.Must(err)
	for _, exchange := range []string{"user.events", "project.events"} {
		s.Must(c.ExchangeDeclare(exchange, amqp.ExchangeTopic, true, false, false, false, nil))
		s.Must(c.QueueBind(audit, "#", exchange, false, nil))
	}
}

// Delivery is a message as a consumer gets it.
type Delivery struct {
	ID          string // of the message
	Key         string // it was routed by
	ContentType string
	Persistent  bool
	Event       CloudEvent
	Body        string
}

// CloudEvent is what it says.
type CloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        time.Time       `json:"time"`
	Traceparent string          `json:"traceparent"`
	Seq         int64           `json:"seq"`
	Data        json.RawMessage `json:"data"`
}

// Take empties a queue.
func (s *Scenario) Take(url, queue string) (all []Delivery) {
	s.Helper()
	c := s.broker(url)
	for {
		d, ok, err := c.Get(queue, true)
		s.Must(err)
		if !ok {
			return all
		}
		got := Delivery{ID: d.MessageId, Key: d.RoutingKey, ContentType: d.ContentType, Persistent: d.DeliveryMode == amqp.Persistent, Body: string(d.Body)}
		s.Must(json.Unmarshal(d.Body, &got.Event))
		all = append(all, got)
	}
}

// unsentQuery counts the events that wait.
const unsentQuery = `SELECT -count(*) FROM outbox WHERE sent_at IS NULL`

// AwaitSent waits until no event waits any more. How long that takes is the
// machine's affair; that for so long none of them leaves is not.
func (s *Scenario) AwaitSent(db *Database, stalled time.Duration) {
	s.Helper()
	began := time.Now()
	for {
		n, err := db.Int(s.Context(), unsentQuery)
		s.Must(err)
		if n == 0 {
			break
		}
		if !s.Await(db, stalled, unsentQuery, n+1) {
			s.Found("%d events wait, and for %s none has been sent", -n, stalled)
			return
		}
	}
	s.Logf("all was sent after %s", time.Since(began).Round(time.Millisecond))
}

// JudgeDeliveries holds what came out of the queue for all events against the log:
// each is there, those of a stream in order, and repeated ones are the same.
func (s *Scenario) JudgeDeliveries(db *Database, got []Delivery) {
	s.Helper()
	logged, err := db.Events(s.Context())
	s.Must(err)
	bodies, next, repeated := map[string]string{}, map[string]int64{}, 0
	for _, d := range got {
		stream := strings.TrimPrefix(d.Event.Source, "/")
		switch before, again := bodies[d.ID]; {
		case d.ID != d.Event.ID || d.Key != d.Event.Type:
			s.Found("message %s, routed by %s, holds event %s of type %s", d.ID, d.Key, d.Event.ID, d.Event.Type)
		case again:
			if repeated++; before != d.Body {
				s.Found("event %s came again as another: %s and %s", d.ID, before, d.Body)
			}
			continue
		case d.Event.Seq != next[stream]+1:
			s.Found("in %s event %d came after %d", stream, d.Event.Seq, next[stream])
		}
		bodies[d.ID], next[stream] = d.Body, d.Event.Seq
	}
	lost := 0
	for _, e := range logged {
		if _, there := bodies[e.ID]; !there {
			if lost++; lost <= 3 {
				s.Found("event %d of %s, %s, never came", e.Seq, e.Stream, e.Type)
			}
		}
		delete(bodies, e.ID)
	}
	if lost > 3 {
		s.Found("%d of %d events never came", lost, len(logged))
	}
	for id := range bodies {
		s.Found("event %s came and is not in the log", id)
	}
	s.Logf("%d events, %d messages, %d of them repeated", len(logged), len(got), repeated)
	if len(logged) == 0 {
		s.Errorf("there was no event: this run shows nothing")
	}
}

// StreamEvent is a row of the log with its stream.
type StreamEvent struct {
	Event
	Stream string
}

func (e StreamEvent) String() string { return fmt.Sprintf("%s %d", e.Stream, e.Seq) }
