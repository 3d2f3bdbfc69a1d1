package token_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// FuzzVerifyAccess makes up access tokens. Only the very token that was made is
// taken, and every other is refused with a reason that clients know.
func FuzzVerifyAccess(f *testing.F) {
	c := start()
	_, mint := node(f, &store{}, c)
	genuine, _, err := mint.MintAccess(user, session)
	require.NoError(f, err)
	part := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	parts := strings.Split(genuine, ".")
	for _, seed := range []string{
		genuine, "", "..", genuine + "=", genuine + ".x", parts[0] + "." + parts[1] + ".", parts[0] + "." + parts[2] + "." + parts[1],
		part(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".", part(`{"alg":"HS256","typ":"at+jwt","kid":"access-1"}`) + "." + parts[1] + "." + parts[2],
		parts[0] + "." + part(`{"sub":{},"exp":"soon","aud":[[]]}`) + "." + parts[2], part(`{"alg":["EdDSA"],"kid":1}`) + "." + parts[1] + "." + parts[2],
		part(`[]`) + "." + part(`null`) + "." + parts[2], strings.Repeat("a.", 3000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, s, _, err := mint.VerifyAccess(text)
		if err == nil {
			require.Equal(t, genuine, text, "a token that nobody made is taken")
			require.Equal(t, []string{user, session}, []string{u, s})
			return
		}
		var refusal *messages.Error
		require.True(t, errors.As(err, &refusal), "%v", err)
		require.Contains(t, []string{messages.CodeInvalidToken, messages.CodeTokenExpired}, refusal.GetCode())
	})
}

// FuzzParseRefresh does the same for refresh tokens.
func FuzzParseRefresh(f *testing.F) {
	c := start()
	_, mint := node(f, &store{}, c)
	genuine, err := mint.MintRefresh(session, 7, c.Now())
	require.NoError(f, err)
	for _, seed := range []string{genuine, "", "atl_rt_", genuine[:len(genuine)-1], genuine + "A", strings.ToUpper(genuine), "atl_rt_" + strings.Repeat("A", 75), "atl_pat_x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, generation, err := mint.ParseRefresh(text)
		if err == nil {
			require.Equal(t, genuine, text)
			require.Equal(t, session, id)
			require.EqualValues(t, 7, generation)
			return
		}
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
	})
}

// FuzzParseLink makes up links: none is taken but that which was made, and for its
// purpose alone.
func FuzzParseLink(f *testing.F) {
	c := start()
	_, mint := node(f, &store{}, c)
	genuine, err := mint.MintLink(messages.LinkReset, user, session)
	require.NoError(f, err)
	other, err := mint.MintLink(messages.LinkVerify, user, session)
	require.NoError(f, err)
	for _, seed := range []string{genuine, other, "", ".", genuine[:43], genuine + "A", strings.ToUpper(genuine), strings.Repeat("A", 43) + "." + strings.Repeat("A", 43), "atl_rt_x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		owner, id, err := mint.ParseLink(messages.LinkReset, text)
		if err == nil {
			require.Equal(t, genuine, text)
			require.Equal(t, []string{user, session}, []string{owner, id})
			return
		}
		require.True(t, messages.HasCode(err, messages.CodeLinkExpired))
	})
}
