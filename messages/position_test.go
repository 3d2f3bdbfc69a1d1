package messages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func TestPositions(t *testing.T) {
	t.Parallel()
	early, late, other := messages.Position{Timeline: 1, LSN: 7}, messages.Position{Timeline: 1, LSN: 0x16B3748}, messages.Position{Timeline: 2, LSN: 9}
	require.Equal(t, "1-16b3748", late.String())
	require.Equal(t, late, messages.ParsePosition(late.String()))
	for _, text := range []string{"", "-", "1", "1-", "-7", "primary", "1-x", "100000000-1", "1-7-7", "1-10000000000000000", " 1-7"} {
		require.False(t, messages.ParsePosition(text).Anywhere(), text)
	}
	require.True(t, late.Covers(early) && late.Covers(late) && !early.Covers(late))
	require.False(t, other.Covers(early) || early.Covers(other), "another server's")
	require.Equal(t, late, early.With(late))
	require.Equal(t, late, late.With(early))
	require.False(t, late.With(other).Anywhere())
	require.Equal(t, early, messages.PositionFrom(messages.SeenFrom(t.Context(), early)))
	require.False(t, messages.PositionFrom(t.Context()).Anywhere())
}
