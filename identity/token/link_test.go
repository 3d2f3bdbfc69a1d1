package token_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/identity/token"
	"atelier/messages"
)

// TestLinks: a token is good for its purpose, its owner and its link; nothing else is
// one; and it is so for as long as refresh tokens of its time are, over rotations.
func TestLinks(t *testing.T) {
	t.Parallel()
	c, s := start(), &store{}
	c.now = c.now.AddDate(0, 0, 1)
	ring, mint := node(t, s, c)
	_, other := node(t, &store{}, c)
	made := uuid.Must(uuid.NewV7())
	for i := range 6 { // of the test's time
		made[5-i] = byte(c.Now().UnixMilli() >> (8 * i))
	}
	link := made.String()
	text, err := mint.MintLink(messages.LinkReset, user, link)
	require.NoError(t, err)
	again, err := mint.MintLink(messages.LinkReset, user, link)
	require.NoError(t, err)
	require.Equal(t, text, again, "derived, and stored nowhere")
	owner, id, err := mint.ParseLink(messages.LinkReset, text)
	require.NoError(t, err)
	require.Equal(t, []string{user, link}, []string{owner, id})

	bad := func(m *token.Mint, purpose, text string) {
		t.Helper()
		_, _, err := m.ParseLink(purpose, text)
		require.True(t, messages.HasCode(err, messages.CodeLinkExpired), "%q: %v", text, err)
	}
	for _, purpose := range []string{messages.LinkVerify, messages.LinkConfirmEmail, messages.LinkInvitation, "", "reset|"} {
		bad(mint, purpose, text)
	}
	bad(other, messages.LinkReset, text)
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		bad(mint, messages.LinkReset, string(changed))
		bad(mint, messages.LinkReset, text[:i])
	}
	for _, odd := range []string{text + "A", text + ".", "." + text, text + "=", strings.Replace(text, ".", "..", 1), " " + text, strings.Repeat("A", 87)} {
		bad(mint, messages.LinkReset, odd)
	}
	refresh := mustRefresh(t, mint, 1, c.Now())
	bad(mint, messages.LinkReset, refresh)
	_, _, err = mint.ParseRefresh(text)
	require.True(t, messages.HasCode(err, messages.CodeInvalidToken))

	config := token.DefaultRingConfig(sessionLifetime)
	c.advance(config.RotateEvery)
	require.NoError(t, ring.Refresh(t.Context()))
	again, err = mint.MintLink(messages.LinkReset, user, link)
	require.NoError(t, err)
	require.Equal(t, text, again, "sent again after a rotation it is the same")
	_, _, err = mint.ParseLink(messages.LinkReset, text)
	require.NoError(t, err)
}
