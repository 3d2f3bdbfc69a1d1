package http

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingOfAConnectionOutlivesARequest: what is done for a request may go on for a
// moment after its reply, and must not look at what the next one uses by then.
func TestNothingOfAConnectionOutlivesARequest(t *testing.T) {
	t.Parallel()
	withRequest(fakeServer(), "/api/v1/projects", func(c *call) {
		c.fiber.Context().SetUserValue("key", "value")
		ctx, cancel, invalid := deadline(c.fiber)
		defer cancel()
		require.NoError(t, invalid)
		require.Nil(t, ctx.Value("key"))
	})
}

// TestSeveralAcceptHeadersAreOne list (RFC 9110, 5.3).
func TestSeveralAcceptHeadersAreOne(t *testing.T) {
	t.Parallel()
	withRequest(fakeServer(), "/api/v1/projects", func(c *call) {
		c.fiber.Request().Header.Add("Accept", "text/html")
		require.False(t, acceptable(accepts(c.fiber), "application/json"))
		c.fiber.Request().Header.Add("Accept", "application/json")
		require.True(t, acceptable(accepts(c.fiber), "application/json"))
	})
}
