// Package events shows, on the built program and a real broker, what consumers of
// its events get.
package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

func TestMain(m *testing.M) { rig.Main(m) }

// TestConsumersGetTheirEvents: the queues that every installation has get what is
// theirs, and one that is bound to everything all of it, in order.
func TestConsumersGetTheirEvents(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func() string{
		"postgres": func() string { return services.Postgres(t).URL() },
		"embedded": func() string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			consumers(rig.New(t), database(), services.RabbitMQ(t).URL())
		})
	}
}

func consumers(s *rig.Scenario, url, broker string) {
	s.Audit(broker)
	n := s.StartWith("a", url, "ATELIER_AMQP_URL="+broker, "ATELIER_WELCOME_MAIL=off") // whose queue is read here
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	user := s.SignIn(n, s.Register(n, "ada"))
	created := user.At(n).Do(s.Context(), "POST", "/projects", map[string]string{"name": "Harbour", "description": "a quiet one"}, rig.Header{Name: "traceparent", Value: trace})
	var project struct {
		ID        string    `json:"id"`
		CreatedAt time.Time `json:"created_at"`
	}
	s.Must(created.Into(&project))
	_, r := user.At(n).Rename(s.Context(), project.ID, "Quay")
	require.True(s, r.OK(), r.String())

	var all []rig.Delivery
	require.Eventually(s, func() bool {
		all = append(all, s.Take(broker, "audit")...)
		return len(all) >= 5
	}, 20*time.Second, 50*time.Millisecond, "created, activated, opened; created, updated")
	require.Len(s, all, 5)
	one := func(queue, kind string) rig.Delivery {
		got := s.Take(broker, queue)
		require.Len(s, got, 1, queue)
		d := got[0]
		require.Equal(s, kind, d.Key)
		require.Equal(s, kind, d.Event.Type)
		require.Equal(s, d.Event.ID, d.ID)
		require.Equal(s, "application/cloudevents+json", d.ContentType)
		require.True(s, d.Persistent)
		require.Equal(s, "1.0", d.Event.SpecVersion)
		require.EqualValues(s, 1, d.Event.Seq)
		require.WithinDuration(s, time.Now(), d.Event.Time, time.Minute)
		return d
	}
	fields := func(d rig.Delivery) (data map[string]any) {
		s.Must(json.Unmarshal(d.Event.Data, &data))
		return data
	}
	born := one("user.created", "user.created")
	require.Equal(s, "/users/"+user.ID, born.Event.Source)
	require.Equal(s, user.ID, born.Event.Subject)
	require.Subset(s, fields(born), map[string]any{"user_id": user.ID, "email": user.Email, "name": "Someone"})
	require.NotContains(s, born.Body, "argon2id")
	require.Equal(s, born, one("notification.email", "user.created"))

	begun := one("project.created", "project.created")
	require.Equal(s, "/projects/"+project.ID, begun.Event.Source)
	require.Equal(s, project.ID, begun.Event.Subject)
	require.Subset(s, fields(begun), map[string]any{"project_id": project.ID, "name": "Harbour", "owner_id": user.ID})
	at, err := time.Parse(time.RFC3339, fields(begun)["created_at"].(string))
	s.Must(err)
	require.Equal(s, project.CreatedAt, at)
	require.Contains(s, begun.Event.Traceparent, "0af7651916cd43dd8448eb211c80319c", "the trace of the request goes on")

	if url == "" {
		require.Zero(s, n.Terminate())
	}
	s.JudgeDeliveries(s.Database(url, n), all)
}
