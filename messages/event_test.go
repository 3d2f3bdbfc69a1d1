package messages

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryEventIsTold to those who read the page of events.
func TestEveryEventIsTold(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/events.md")
	require.NoError(t, err)
	for _, e := range loggedEvents() {
		require.Contains(t, string(page), "`"+e.EventType()+"`")
	}
}
