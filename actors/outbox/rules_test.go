package outbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func event(stream string, seq int64, kind string) Event {
	return Event{
		ID: fmt.Sprintf("0190a000-0000-7000-8000-%012d", seq), Shard: ShardOf(stream), Stream: stream, Seq: seq, Type: kind,
		OccurredAt: time.Date(2026, 5, 6, 7, 8, 9, 12_000, time.UTC), Data: []byte(`{"name":"Harbour <&>"}`),
	}
}

func TestEventsAreCloudEvents(t *testing.T) {
	t.Parallel()
	e := event("projects/0190a000-0000-7000-8000-000000000009", 7, "project.updated")
	body, err := Render(e)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(body, &got))
	want := map[string]any{
		"specversion": "1.0", "id": e.ID, "source": "/projects/0190a000-0000-7000-8000-000000000009", "subject": "0190a000-0000-7000-8000-000000000009",
		"type": "project.updated", "time": "2026-05-06T07:08:09.000012Z", "datacontenttype": "application/json", "seq": 7.0,
		"data": map[string]any{"name": "Harbour <&>"},
	}
	require.Equal(t, want, got)
	e.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	body, err = Render(e)
	require.NoError(t, err)
	got = nil
	require.NoError(t, json.Unmarshal(body, &got))
	want["traceparent"] = e.Trace
	require.Equal(t, want, got)

	again, err := Parse(body)
	require.NoError(t, err)
	e.Shard = ShardOf(e.Stream)
	require.JSONEq(t, string(e.Data), string(again.Data))
	again.Data = e.Data
	require.Equal(t, e, again)
	for _, other := range []string{"", "no event", "[]", `{"id":"x"}`} {
		_, err := Parse([]byte(other))
		require.Error(t, err, other)
	}
}

func TestWhatCannotBeRendered(t *testing.T) {
	t.Parallel()
	good := event("users/x", 1, "user.created")
	for name, spoil := range map[string]func(*Event){
		"data": func(e *Event) { e.Data = []byte(`{`) }, "no data": func(e *Event) { e.Data = nil }, "stream": func(e *Event) { e.Stream = "users" },
		"kind of stream": func(e *Event) { e.Stream = "rooms/x" }, "id": func(e *Event) { e.ID = "" }, "type": func(e *Event) { e.Type = "" },
	} {
		e := good
		spoil(&e)
		_, err := Render(e)
		require.ErrorIs(t, err, ErrUnrenderable, name)
	}
}

// TestNothingOvertakes: whatever becomes of a batch, what is sent of a stream is
// what came first in it, without a gap, and was taken.
func TestNothingOvertakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seqs := map[string]int64{}
		var batch []Message
		var outcomes []Outcome
		for range rapid.IntRange(0, 20).Draw(t, "length") {
			stream := rapid.SampledFrom([]string{"users/a", "users/b", "projects/c"}).Draw(t, "stream")
			seqs[stream]++
			kind := rapid.SampledFrom([]string{"user.created", "user.updated"}).Draw(t, "type")
			batch = append(batch, Message{Event: event(stream, seqs[stream], kind)})
			outcomes = append(outcomes, Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")))
		}
		outcomes = outcomes[:rapid.IntRange(0, len(outcomes)).Draw(t, "known")]
		s := settle(batch, outcomes)
		next := map[string]int64{}
		for _, e := range s.sent {
			next[e.Stream]++
			require.Equal(t, next[e.Stream], e.Seq)
			i := slices.IndexFunc(batch, func(m Message) bool { return m.Stream == e.Stream && m.Seq == e.Seq })
			require.True(t, outcomes[i] == Taken || outcomes[i] == Unrouted && e.Type == "user.updated")
		}
		for stream, all := range seqs {
			require.Equal(t, next[stream] < all, s.stopped[stream], "the rest has stopped")
		}
	})
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{0: firstWait, 1: firstWait, 2: 2 * firstWait, 5: 16 * firstWait, 6: longestOut, 1_000_000: longestOut} {
		require.Equal(t, want/2, Backoff(failures, longestOut, 0))
		require.Equal(t, want, Backoff(failures, longestOut, 1))
	}
}

func TestRefusedEventsAreParkedInTheEnd(t *testing.T) {
	t.Parallel()
	const most = 6
	h, now, e := holds{}, time.Now(), event("users/a", 1, "user.updated")
	for i := 1; i < most; i++ {
		require.False(t, h.refuse(e, most, now, 1))
		require.Equal(t, []string{"users/a"}, h.streams(now))
		now = h["users/a"].until
		require.Empty(t, h.streams(now), "tried again")
	}
	require.True(t, h.refuse(e, most, now, 1))
	next := event("users/a", 2, "user.updated")
	require.False(t, h.refuse(next, most, now, 1), "another event begins anew")
	h.free([]Event{next})
	require.Empty(t, h)
}

func TestSurplusIsGivenBack(t *testing.T) {
	t.Parallel()
	l := leases{lanes: 2}
	held := []Lease{{3, 1}, {0, 1}, {1, 1}, {2, 1}}
	require.True(t, l.set(slices.Clone(held), 4, time.Now().Add(time.Hour)))
	mine := l.take(1)
	require.Equal(t, []Lease{{1, 1}, {3, 1}}, mine)
	require.False(t, l.set(slices.Clone(held), 2, time.Now().Add(time.Hour)), "nothing new")
	require.Equal(t, []Lease{{2, 1}}, l.free(), "the other is in use")
	require.True(t, l.good(mine))
	l.done(1)
	require.Equal(t, []Lease{{3, 1}}, l.free())
	require.Equal(t, []Lease{{1, 1}}, l.take(1))
	require.False(t, l.good(mine), "given back")

	require.True(t, l.set([]Lease{{1, 2}}, 4, time.Now().Add(time.Hour)), "a new epoch")
	require.False(t, l.good([]Lease{{1, 1}}))
	l.set([]Lease{{1, 2}}, 4, time.Now().Add(-time.Second))
	require.Empty(t, l.take(1), "by our own clock they have ended")
}
