package room

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func member(user, state string, at int64) Member {
	m := Member{Present: messages.Present{UserID: user, Name: "Name of " + user}, At: at}
	if state != "" {
		m.State = []byte(state)
	}
	return m
}

// states are how users are shown.
func states(here []Member) map[string]string {
	shown := make(map[string]string)
	for _, m := range here {
		shown[m.UserID] = string(m.State)
	}
	return shown
}

// A user with several sockets is there once, shows what he said last, and is there
// until the last of them has gone.
func TestUserIsThereOnce(t *testing.T) {
	t.Parallel()
	var s Set
	require.False(t, s.Changed())
	s.Put("tab 1", member("ann", "1", 10))
	s.Put("tab 2", member("ann", "", 20))
	s.Put("tab 3", member("ben", "", 20))
	here, gone := s.Changes()
	require.Equal(t, map[string]string{"ann": "1", "ben": ""}, states(here), "who has said nothing yet hides nothing")
	require.Empty(t, gone)
	s.Put("tab 2", member("ann", "2", 30))
	s.Put("tab 1", member("ann", "3", 25))
	here, _ = s.Changes()
	require.Equal(t, map[string]string{"ann": "2"}, states(here), "the latest, not the last to come")
	s.Drop("tab 2")
	here, gone = s.Changes()
	require.Equal(t, map[string]string{"ann": "3"}, states(here))
	require.Empty(t, gone)
	s.Drop("tab 1")
	s.Drop("tab 1")
	here, gone = s.Changes()
	require.Empty(t, here)
	require.Equal(t, []string{"ann"}, gone)
	require.Equal(t, 1, s.Len())
	require.Equal(t, map[string]string{"ben": ""}, states(s.All()))
	s.Put("node", member("ann", "x", 1))
	s.Put("node", member("ida", "y", 1))
	s.Keep("node", map[string]bool{"ida": true})
	require.Equal(t, map[string]string{"ben": "", "ida": "y"}, states(s.All()))
	require.True(t, s.Has("node"))
	require.Empty(t, s.of["tab 1"])
}

// A mirror that is told all changes, or a whole where it missed some, shows what
// the set has; and those who are told its changes know the same.
func TestMirrorFollows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 0))
		var s Set
		var m Mirror
		told := make(map[string]string)
		number := int64(0)
		for step := range int64(300) {
			user := fmt.Sprint("u", dice.IntN(8))
			if dice.IntN(3) == 0 {
				s.Remove(fmt.Sprint(dice.IntN(2)), user)
			} else {
				s.Put(fmt.Sprint(dice.IntN(2)), member(user, fmt.Sprint(step), step))
			}
			if dice.IntN(3) > 0 {
				continue
			}
			here, gone := s.Changes()
			number++
			if dice.IntN(5) > 0 && !m.Apply(Change{Room: "r", From: number - 1, To: number, Here: here, Gone: gone}) {
				all := s.All()
				cut := dice.IntN(len(all) + 1)
				require.True(t, m.Apply(Change{Room: "r", To: number, Whole: true, More: true, Here: all[:cut]}))
				require.True(t, m.Apply(Change{Room: "r", From: 1, To: number, Whole: true, Here: all[cut:]}))
			}
			if _, at := m.At(); at == number {
				require.Equal(t, states(s.All()), shown(m.All()), "seed %d", seed)
			}
			if dice.IntN(2) == 0 {
				tell(t, &m, told)
			}
		}
		tell(t, &m, told)
		require.Equal(t, shown(m.All()), told)
	}
}

func shown(all []messages.Present) map[string]string {
	shown := make(map[string]string)
	for _, p := range all {
		shown[p.UserID] = string(p.State)
	}
	return shown
}

// tell takes the changes as one who watches does.
func tell(t *testing.T, m *Mirror, told map[string]string) {
	t.Helper()
	join, update, leave := m.Changes()
	for _, p := range join {
		require.NotContains(t, told, p.UserID)
		told[p.UserID] = string(p.State)
	}
	for _, p := range update {
		require.Contains(t, told, p.UserID)
		told[p.UserID] = string(p.State)
	}
	for _, user := range leave {
		require.Contains(t, told, user)
		delete(told, user)
	}
	require.False(t, m.Changed())
}

// With a new room nobody has gone because he is not named yet; once it is settled he
// has. What comes late, twice or in parts of which one is missing does no harm.
func TestMirrorOfANewRoom(t *testing.T) {
	t.Parallel()
	var m Mirror
	require.True(t, m.Apply(Change{Room: "r", From: 0, To: 1, Here: []Member{member("ann", "1", 1), member("ben", "1", 1)}}))
	m.Changes()
	require.True(t, m.Apply(Change{Room: "s", From: 0, To: 1, Here: []Member{member("ann", "1", 1)}}), "the first of a room")
	require.False(t, m.Changed(), "nothing has changed")
	require.True(t, m.Apply(Change{Room: "s", Whole: true, Young: true, To: 1, Here: []Member{member("ann", "1", 1)}}))
	require.Equal(t, 2, m.Len())
	require.True(t, m.Apply(Change{Room: "s", Whole: true, To: 1, Here: []Member{member("ann", "1", 1)}}))
	_, _, leave := m.Changes()
	require.Equal(t, []string{"ben"}, leave)
	require.True(t, m.Apply(Change{Room: "s", From: 0, To: 1, Gone: []string{"nobody"}}))
	require.False(t, m.Apply(Change{Room: "r", From: 5, To: 6, Gone: []string{"ann"}}), "of the room before")
	require.Equal(t, 1, m.Len())
	require.False(t, m.Apply(Change{Room: "s", Whole: true, From: 1, To: 9, Here: []Member{member("cleo", "1", 1)}}), "a part without the one before")
	room, number := m.At()
	require.Equal(t, []any{"s", int64(-1)}, []any{room, number})
	require.Equal(t, []string{"ann"}, slices.Sorted(maps.Keys(shown(m.All()))))
}

// A user who comes and goes between two looks was never there.
func TestChangesThatUndoEachOther(t *testing.T) {
	t.Parallel()
	var m Mirror
	require.True(t, m.Apply(Change{Room: "r", From: 0, To: 1, Here: []Member{member("ann", "1", 1)}}))
	require.True(t, m.Apply(Change{Room: "r", From: 1, To: 2, Gone: []string{"ann"}}))
	join, update, leave := m.Changes()
	require.Empty(t, join)
	require.Empty(t, update)
	require.Empty(t, leave)
}
