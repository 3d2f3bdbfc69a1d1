package messages_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func TestTimesAreRenderedByTheLayout(t *testing.T) {
	t.Parallel()
	for _, us := range []int64{-1, 0, 1, 9, 10, 999_999, 1_000_000, 1_767_225_600_123_456, 1_767_225_600_100_000, 253_402_300_799_999_999} {
		at := time.UnixMicro(us).UTC()
		require.Equal(t, at.Format(messages.TimeLayout), messages.FormatTime(at))
		require.Equal(t, at, messages.ParseTime(messages.FormatTime(at)))
	}
	require.Empty(t, messages.FormatTime(time.Time{}))
}
