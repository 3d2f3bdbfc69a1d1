package seal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
)

func ring(t *testing.T, keys string) *seal.Ring {
	r, err := seal.Parse(keys)
	require.NoError(t, err)
	return r
}

func TestEveryByteIsAuthenticated(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	sealed := r.Seal("keys|1|private", []byte("secret"))
	plain, err := r.Open("keys|1|private", sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	require.NotContains(t, string(sealed), "secret")
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		_, err := r.Open("keys|1|private", changed)
		require.ErrorIs(t, err, seal.ErrOpened, "byte %d", i)
		_, err = r.Open("keys|1|private", sealed[:i])
		require.ErrorIs(t, err, seal.ErrOpened, "cut at %d", i)
	}
	_, err = r.Open("keys|2|private", sealed)
	require.ErrorIs(t, err, seal.ErrOpened, "another place")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, fresh := seal.Generate(), seal.Generate()
	sealed := ring(t, old).Seal("p", []byte("secret"))
	both := ring(t, fresh+", "+old)
	plain, err := both.Open("p", sealed)
	require.NoError(t, err)
	_, err = ring(t, fresh).Open("p", both.Seal("p", plain))
	require.NoError(t, err, "the first key seals")
	_, err = ring(t, fresh).Open("p", sealed)
	require.ErrorIs(t, err, seal.ErrOpened)
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "short", seal.Generate() + ",", seal.Generate()[:20]} {
		_, err := seal.Parse(bad)
		require.ErrorIs(t, err, seal.ErrKey)
	}
}
