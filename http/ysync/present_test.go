package ysync

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Unix(1_800_000_000, 0)

func say(clientID, clock uint64, state string) []byte {
	s := State{Client: clientID, Clock: clock}
	if state != "" {
		s.JSON = []byte(state)
	}
	return EncodeStates([]State{s})
}

// told is what an encoded message says: client → clock and state.
func told(t *testing.T, states []State) map[uint64]string {
	t.Helper()
	found := map[uint64]string{}
	require.NoError(t, EachState(EncodeStates(states), func(s State) error {
		found[s.Client] = fmt.Sprint(s.Clock, " ", string(s.JSON))
		return nil
	}))
	return found
}

func changed(t *testing.T, p *Present) (all, here map[uint64]string) {
	t.Helper()
	a, h := p.Changed()
	return told(t, a), told(t, h)
}

func TestStatesAreBoundToTheirUser(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		`{"user":{"name":"Eve","color":"#f00","id":"x"},"cursor":[1,2]}`: `{"cursor":[1,2],"user":{"color":"#f00","id":"u1","name":"Ada"}}`,
		`{}`:                  `{"user":{"id":"u1","name":"Ada"}}`,
		`{"user":"Eve"}`:      `{"user":{"id":"u1","name":"Ada"}}`,
		`{"user":null,"a":1}`: `{"a":1,"user":{"id":"u1","name":"Ada"}}`,
	} {
		got, err := bound([]byte(state), "u1", "Ada")
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
		require.Equal(t, "u1", owner(got))
	}
	got, err := bound([]byte(`{"user":{"name":"Eve","id":"x","color":"red"}}`), "", "")
	require.NoError(t, err)
	require.JSONEq(t, `{"user":{"color":"red"}}`, string(got), "who has not signed in has no name")
	for _, state := range []string{``, `[]`, `7`, `{"a":`, `nul`} {
		_, err := bound([]byte(state), "u1", "Ada")
		require.ErrorIs(t, err, ErrMalformed, state)
	}
	large, _ := json.Marshal(map[string]string{"a": strings.Repeat("x", MaxState)})
	_, err = bound(large, "u1", "Ada")
	require.ErrorIs(t, err, ErrLimit)
}

func TestClocksDecide(t *testing.T) {
	t.Parallel()
	p, ada := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}
	const user = `"user":{"id":"u1","name":"Ada"}`
	require.NoError(t, p.Hear(ada, say(7, 3, `{"a":1}`), start))
	all, here := changed(t, p)
	require.Equal(t, map[uint64]string{7: `3 {"a":1,` + user + `}`}, all)
	require.Equal(t, all, here)
	for _, late := range [][]byte{say(7, 2, `{"a":2}`), say(7, 3, `{"a":2}`), say(7, 2, ""), say(8, 1, "")} {
		require.NoError(t, p.Hear(ada, late, start))
	}
	all, _ = changed(t, p)
	require.Empty(t, all)
	require.NoError(t, p.Hear(ada, say(7, 4, `{"a":2}`), start))
	require.NoError(t, p.Hear(ada, say(7, 5, `{"a":3}`), start))
	all, _ = changed(t, p)
	require.Equal(t, map[uint64]string{7: `5 {"a":3,` + user + `}`}, all, "of several the latest")
	require.NoError(t, p.Hear(ada, say(7, 5, ""), start))
	all, here = changed(t, p)
	require.Equal(t, map[uint64]string{7: "5 "}, all, "the last word has the same clock")
	require.Equal(t, all, here)
	require.Empty(t, p.All(start))
}

func TestAClientBelongsToItsConnection(t *testing.T) {
	t.Parallel()
	p, ada, eve := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}, &Speaker{UserID: "u2", Name: "Eve"}
	require.NoError(t, p.Hear(ada, say(7, 3, `{}`), start))
	changed(t, p)
	for _, foreign := range [][]byte{say(7, 4, `{}`), say(7, 3, ""), say(7, 9, "")} {
		require.NoError(t, p.Hear(eve, foreign, start))
	}
	all, _ := changed(t, p)
	require.Empty(t, all)

	p.Leave(ada, start)
	all, here := changed(t, p)
	require.Equal(t, map[uint64]string{7: "3 "}, all)
	require.Equal(t, all, here)
	require.NoError(t, p.Hear(eve, say(7, 3, `{}`), start), "an echo of what has gone")
	all, _ = changed(t, p)
	require.Empty(t, all)

	// Ada is back with the clock that she had, and then on two connections at a time.
	again := &Speaker{UserID: "u1", Name: "Ada"}
	require.NoError(t, p.Hear(again, say(7, 3, `{}`), start))
	require.Len(t, told(t, p.All(start)), 1)
	tab := &Speaker{UserID: "u1", Name: "Ada", spoke: true}
	changed(t, p)
	require.NoError(t, p.Hear(tab, say(7, 3, `{}`), start))
	p.Leave(tab, start)
	require.Len(t, told(t, p.All(start)), 1, "a tab that repeats what it hears has taken nothing over")
	instead := &Speaker{UserID: "u1", Name: "Ada"}
	require.NoError(t, p.Hear(instead, say(7, 3, `{}`), start))
	p.Leave(again, start)
	require.Len(t, told(t, p.All(start)), 1, "she is on the new connection")
	p.Leave(instead, start)
	require.Empty(t, p.All(start))
}

func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	a, b, other := Node{1}, Node{2}, Node{3}
	p, ada := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}
	const hers, his = `{"user":{"id":"u1","name":"Ada"}}`, `{"user":{"id":"u2","name":"Eve"}}`
	require.NoError(t, p.HearNode(a, say(7, 3, hers), start))
	all, here := changed(t, p)
	require.Equal(t, map[uint64]string{7: "3 " + hers}, all)
	require.Empty(t, here, "what is elsewhere is told here and not passed on")
	require.Empty(t, p.Here())
	require.NoError(t, p.HearNode(b, say(7, 3, ""), start))
	require.Len(t, told(t, p.All(start)), 1, "another node has no last word")

	// She comes over; the node where she was notices late.
	require.NoError(t, p.Hear(ada, say(7, 3, `{}`), start))
	_, here = changed(t, p)
	require.Len(t, here, 1)
	require.NoError(t, p.HearNode(a, say(7, 3, ""), start))
	require.Len(t, told(t, p.Here()), 1)
	require.NoError(t, p.HearNode(other, say(7, 9, his), start))
	require.Len(t, told(t, p.Here()), 1, "whoever is here is nobody else elsewhere")

	// And on to another, with the clock that she had.
	require.NoError(t, p.HearNode(b, say(7, 3, hers), start))
	require.Empty(t, p.Here())
	p.Leave(ada, start)
	require.Len(t, told(t, p.All(start)), 1)
	require.NoError(t, p.HearNode(a, say(7, 3, ""), start))
	require.Len(t, told(t, p.All(start)), 1)
	require.NoError(t, p.HearNode(b, say(7, 3, ""), start))
	require.Empty(t, p.All(start))
	require.NoError(t, p.HearNode(a, say(7, 3, hers), start), "she is back where she was")
	require.Len(t, told(t, p.All(start)), 1)
}

func TestWhoIsSilentHasGone(t *testing.T) {
	t.Parallel()
	p, ada := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}
	require.NoError(t, p.Hear(ada, say(7, 1, `{}`), start))
	require.NoError(t, p.HearNode(Node{1}, say(8, 1, `{}`), start))
	now := start
	for clock := uint64(2); clock < 5; clock++ {
		now = now.Add(15 * time.Second)
		require.NoError(t, p.Hear(ada, say(7, clock, `{}`), now))
	}
	require.Len(t, told(t, p.All(now)), 1)
	_, here := changed(t, p)
	require.Len(t, here, 1)
	now = now.Add(time.Minute)
	require.Empty(t, p.All(now))
	require.NoError(t, p.Hear(ada, say(7, 6, `{}`), now), "she slept")
	require.Len(t, told(t, p.Here()), 1)
	p.Leave(ada, now)
	now = now.Add(graveLasts + time.Minute)
	require.Empty(t, p.All(now))
	require.Empty(t, p.clients, "what has gone is forgotten")
}

func TestStatesAreSplit(t *testing.T) {
	t.Parallel()
	require.Empty(t, Split(nil, 100))
	states := []State{{Client: 1, JSON: make([]byte, 70)}, {Client: 2}, {Client: 3, JSON: make([]byte, 500)}, {Client: 4}, {Client: 5}}
	require.Equal(t, [][]State{states[:1], states[1:2], states[2:3], states[3:]}, Split(states, 100))
	require.Equal(t, [][]State{states}, Split(states, 1000))
}

func TestOneConnectionHasFewClients(t *testing.T) {
	t.Parallel()
	p, ada := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}
	for id := range uint64(100) {
		require.NoError(t, p.Hear(ada, say(id, 1, `{}`), start))
		require.NoError(t, p.Hear(ada, say(id, 1, ""), start))
	}
	require.Len(t, p.clients, maxClients)
}

// Who comes again and again, with another number each time, keeps nobody out.
func TestWhoHasGoneMakesRoom(t *testing.T) {
	t.Parallel()
	p, ada := NewPresent(), &Speaker{UserID: "u1", Name: "Ada"}
	require.NoError(t, p.Hear(ada, say(0, 1, `{}`), start))
	for id := range uint64(2 * maxStates) {
		passing := &Speaker{}
		require.NoError(t, p.Hear(passing, say(1+id, 1, `{}`), start))
		p.Leave(passing, start)
	}
	require.LessOrEqual(t, len(p.clients), maxStates)
	require.NoError(t, p.HearNode(Node{1}, say(1<<40, 1, `{}`), start))
	require.NoError(t, p.Hear(&Speaker{}, say(1<<41, 1, `{}`), start))
	require.Len(t, told(t, p.All(start)), 3)
	require.Equal(t, len(p.clients)-3, p.graves)
	require.Empty(t, p.All(start.Add(2*graveLasts)))
	p.All(start.Add(4 * graveLasts))
	require.Zero(t, p.graves)
	require.Empty(t, p.clients)
}
