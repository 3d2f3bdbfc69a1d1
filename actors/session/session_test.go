package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"atelier/actors/session"
	"atelier/messages"
)

var start = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func opened() *session.State {
	return &session.State{ID: "s", User: "u", CreatedAt: start, ExpiresAt: start.Add(24 * time.Hour), Version: 1}
}

// present is the presentation of a token: the child's generation, 0 for theft.
func present(t require.TestingT, s *session.State, generation uint32, at time.Time) uint32 {
	c := &messages.RefreshSession{Generation: generation}
	events, err := session.Refresh(s, c, at)
	if messages.HasCode(err, messages.CodeTokenReused) {
		return 0
	}
	require.NoError(t, err)
	for _, e := range events {
		s.Apply(e, messages.Stamp{At: at, Version: s.Version + 1})
	}
	return session.Refreshed(s, c, time.Time{}).GetGeneration()
}

func TestTheParentGetsTheSameChild(t *testing.T) {
	t.Parallel()
	s := opened()
	for range 20 {
		require.Equal(t, uint32(1), present(t, s, 0, start.Add(time.Minute)))
	}
	require.Equal(t, uint32(1), present(t, s, 0, start.Add(10*time.Hour)), "the child was never used: always")
}

func TestReuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		want  uint32
	}{{0, 1}, {9 * time.Second, 1}, {session.ReuseGrace, 1}, {session.ReuseGrace + 1000, 0}, {time.Hour, 0}} {
		t.Run(c.after.String(), func(t *testing.T) {
			t.Parallel()
			s := opened()
			require.Equal(t, uint32(1), present(t, s, 0, start.Add(time.Second)))
			used := start.Add(time.Minute)
			require.Equal(t, uint32(2), present(t, s, 1, used), "the child is used")
			require.Equal(t, c.want, present(t, s, 0, used.Add(c.after)))
			require.Equal(t, c.want, present(t, s, 0, used.Add(c.after)), "asked again it is the same")
		})
	}
}

func TestExpiryAndForeignGenerations(t *testing.T) {
	t.Parallel()
	s := opened()
	_, err := session.Refresh(s, &messages.RefreshSession{Generation: 1}, start)
	require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
	_, err = session.Refresh(s, &messages.RefreshSession{}, start.Add(24*time.Hour))
	require.True(t, messages.HasCode(err, messages.CodeSessionRevoked))
	s.EndedAt = start
	_, err = session.Refresh(s, &messages.RefreshSession{}, start)
	require.True(t, messages.HasCode(err, messages.CodeSessionRevoked))
	_, err = session.Get(s, nil, start)
	require.True(t, messages.HasCode(err, messages.CodeSessionRevoked))
}

// TestReuseAgainstAFullMemory compares the thinned-out memory of rotations with
// one that forgets nothing: theft is never seen too early, and at most the
// spacing too late.
func TestReuseAgainstAFullMemory(t *testing.T) {
	t.Parallel()
	const lenient = 500 * time.Millisecond
	rapid.Check(t, func(t *rapid.T) {
		s, now := opened(), start
		born := []time.Time{start}
		for i := range rapid.IntRange(1, 120).Draw(t, "rotations") {
			gap := time.Duration(rapid.SampledFrom([]int{1, 10, 100, 1000, 9000}).Draw(t, fmt.Sprint("gap", i))) * time.Millisecond
			now = now.Add(gap)
			require.Equal(t, uint32(i+1), present(t, s, uint32(i), now))
			born = append(born, now)
			require.LessOrEqual(t, len(s.Rotations), 45, "the memory stays small")
		}
		now = now.Add(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "later")) * time.Millisecond)
		for g := range len(born) - 1 {
			got := present(t, s.Clone(), uint32(g), now) == 0
			if g+2 >= len(born) {
				require.False(t, got, "the child of %d was not used", g)
				continue
			}
			since := now.Sub(born[g+2])
			if got {
				require.Greater(t, since, session.ReuseGrace, "generation %d", g)
			} else {
				require.LessOrEqual(t, since, session.ReuseGrace+lenient, "generation %d", g)
			}
		}
	})
}
