package rig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGapsLastAsLongAsSomebodyAsks: what is asked again minutes later was not out of reach
// for minutes.
func TestGapsLastAsLongAsSomebodyAsks(t *testing.T) {
	t.Parallel()
	tally := newTally()
	now := time.Now()
	tally.request("a", "/projects/x", now.Add(-100*time.Millisecond), NotDone)
	tally.request("a", "/projects/x", now, Answered)
	require.Len(t, tally.gaps, 1)
	require.Greater(t, tally.gaps[0], 99*time.Millisecond)

	tally.failing["a/projects/y"] = &span{now.Add(-time.Hour), now.Add(-time.Hour + time.Second)}
	tally.request("a", "/projects/y", now, Answered)
	require.Equal(t, time.Second, tally.gaps[1])

	tally.failing["a/projects/z"] = &span{now.Add(-time.Hour), now.Add(-time.Hour + time.Minute)}
	tally.request("a", "/projects/z", now, Unknown)
	require.Equal(t, time.Minute, tally.gaps[2])
	require.Contains(t, tally.String(), "2 answered, 1 not carried out, 1 with an unknown end")
	require.Len(t, tally.gaps, 4, "who is never answered is told too")
}
