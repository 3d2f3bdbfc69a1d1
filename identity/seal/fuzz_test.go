package seal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
)

// FuzzOpen makes up sealed values: only what was sealed opens, and only in its place.
func FuzzOpen(f *testing.F) {
	ring, err := seal.Parse(seal.Generate())
	require.NoError(f, err)
	genuine := ring.Seal("a|b|c", []byte("secret"))
	for _, seed := range [][]byte{genuine, {}, {1}, genuine[:9], genuine[:20], append([]byte{2}, genuine[1:]...), append([]byte{}, append(genuine, 0)...)} {
		f.Add("a|b|c", seed)
	}
	f.Add("a|b|d", genuine)
	f.Fuzz(func(t *testing.T, place string, sealed []byte) {
		plain, err := ring.Open(place, sealed)
		if err == nil {
			require.Equal(t, []any{"a|b|c", genuine, "secret"}, []any{place, sealed, string(plain)})
			return
		}
		require.ErrorIs(t, err, seal.ErrOpened)
		seal.SealedBy(sealed)
	})
}

// FuzzParse makes up lists of master keys.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{seal.Generate(), seal.Generate() + ", " + seal.Generate(), "", ",", "AAAA", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := seal.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, seal.ErrKey)
			return
		}
		plain, err := ring.Open("p", ring.Seal("p", []byte("x")))
		require.NoError(t, err)
		require.Equal(t, "x", string(plain))
	})
}
