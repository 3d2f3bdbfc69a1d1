package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// seen is one who watches and takes down what he is told.
type seen struct {
	mu      sync.Mutex
	events  []*messages.EventRecord
	signals []string
	lost    bool
}

func (s *seen) Committed(b *messages.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, b.Events...)
}

func (s *seen) Signals(all []*messages.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, said := range all {
		s.signals = append(s.signals, string(said.Payload))
	}
}

func (s *seen) Lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = true
}

// await waits until it is so.
func (s *seen) await(t testing.TB, so func() bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return so()
	}, 30*time.Second, 5*time.Millisecond)
}

// TestWatchersHearOfCommits: of a project what its log has, of a document its
// updates, from the head on.
func TestWatchersHearOfCommits(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		project, document := ada.newDocument()
		var events, updates seen
		at, stop, err := p.hub.Watch(t.Context(), messages.Topic{Kind: messages.TopicProject, ID: project}, &events)
		require.NoError(t, err)
		defer stop()
		require.Equal(t, int64(2), at)
		from, stop, err := p.hub.Watch(t.Context(), messages.Topic{Kind: messages.TopicDocument, ID: document}, &updates)
		require.NoError(t, err)
		defer stop()
		require.Zero(t, from)
		for i := range 20 {
			ada.patch("/projects/"+project, object{"name": fmt.Sprint("name ", i)}).want(t, 200)
			ada.append(document, yjsText(7, i, "x")).want(t, 200)
		}
		events.await(t, func() bool { return len(events.events) == 20 })
		updates.await(t, func() bool { return len(updates.events) == 20 })
		logged := ada.get("/projects/" + project + "/events?since=2").items()
		for i, e := range events.events {
			require.Equal(t, at+int64(i)+1, e.GetSeq())
			require.Equal(t, logged[i]["id"], e.GetId())
			require.Equal(t, logged[i]["type"], e.GetType())
			require.Equal(t, logged[i]["actor_id"], e.GetActorId())
			require.JSONEq(t, fmt.Sprintf(`{"name":"name %d"}`, i), string(e.GetData()))
			at, err := time.Parse(time.RFC3339Nano, logged[i]["occurred_at"].(string))
			require.NoError(t, err)
			require.Equal(t, at.UnixMicro()/1000, e.GetOccurredAt()/1000)
		}
		for i, u := range updates.events {
			require.Equal(t, int64(i)+1, u.GetSeq())
			require.Equal(t, yjsText(7, i, "x"), u.GetData())
		}
		p.hub.Signal(messages.Topic{Kind: messages.TopicDocument, ID: document}, []byte("here"))
		updates.await(t, func() bool { return len(updates.signals) == 1 })
		_, _, err = p.hub.Watch(t.Context(), messages.Topic{Kind: messages.TopicDocument, ID: project}, &updates)
		require.True(t, messages.HasCode(err, messages.CodeNotFound), "%v", err)
		ada.delete("/documents/"+document).want(t, 204)
		updates.await(t, func() bool { return updates.lost })
	})
}

// TestPresenceIsListed: who is in a project, to those who may read it.
func TestPresenceIsListed(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, eve := signUp(t, p, "ada"), signUp(t, p, "eve")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		path := "/projects/" + project + "/presence"
		require.Empty(t, ada.get(path).want(t, 200).items())
		require.NoError(t, p.hub.Enter(t.Context(), project, "s1", messages.Present{UserID: ada.user, Name: "Ada"}))
		require.NoError(t, p.hub.Enter(t.Context(), project, "s2", messages.Present{UserID: ada.user, Name: "Ada", State: []byte(`{"x":1}`)}))
		require.Eventually(t, func() bool {
			items := ada.get(path).want(t, 200).items()
			return len(items) == 1 && fmt.Sprint(items[0]["state"]) == "map[x:1]" && items[0]["user_id"] == ada.user && items[0]["name"] == "Ada"
		}, 30*time.Second, 10*time.Millisecond)
		require.NoError(t, p.hub.Enter(t.Context(), project, "s3", messages.Present{UserID: eve.user, Name: "Eve"}))
		require.Eventually(t, func() bool { return len(ada.get(path).want(t, 200).items()) == 2 }, 30*time.Second, 10*time.Millisecond)
		first := ada.get(path+"?limit=1").want(t, 200)
		second := ada.get(path+"?limit=1&cursor="+first.text("next_cursor")).want(t, 200)
		require.ElementsMatch(t, []any{ada.user, eve.user}, []any{first.items()[0]["user_id"], second.items()[0]["user_id"]})
		require.Nil(t, second.object()["next_cursor"])
		for _, socket := range []string{"s1", "s2", "s3"} {
			p.hub.Leave(project, socket)
		}
		require.Eventually(t, func() bool { return len(ada.get(path).want(t, 200).items()) == 0 }, 30*time.Second, 10*time.Millisecond)
		eve.get(path).refused(t, 404, "not_found")
	})
}
