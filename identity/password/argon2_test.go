package password

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"
)

// TestRFC9106 is the test vector of section 5.3.
func TestRFC9106(t *testing.T) {
	t.Parallel()
	p := Params{Memory: 32, Passes: 3, Threads: 4}
	of := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	h0 := start(p, 32, of(1, 32), of(2, 16), of(3, 8), of(4, 12))
	require.Equal(t, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659", hex.EncodeToString(fill(make([]block, p.blocks()), p, h0, 32)))
}

// TestDerivationsAgree holds derivations, one after another in the same memory,
// against those of golang.org/x/crypto.
func TestDerivationsAgree(t *testing.T) {
	t.Parallel()
	memory := make([]block, 4<<10)
	rapid.Check(t, func(t *rapid.T) {
		p := Params{
			Memory: rapid.Uint32Range(0, uint32(len(memory)-1)).Draw(t, "memory"), Passes: rapid.Uint32Range(1, 3).Draw(t, "passes"),
			Threads: rapid.Uint8Range(1, 5).Draw(t, "threads"),
		}
		password, salt := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "password"), rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "salt")
		size := rapid.Uint32Range(1, 200).Draw(t, "size")
		require.Equal(t, argon2.IDKey(password, salt, p.Passes, p.Memory, p.Threads, size), derive(memory[:p.blocks()], p, password, salt, size))
	})
}

// BenchmarkDerive holds the time against that of golang.org/x/crypto, which has
// assembly and allocates.
func BenchmarkDerive(b *testing.B) {
	p, password, salt := DefaultParams(), []byte("correct horse battery staple"), make([]byte, saltSize)
	b.Run("own", func(b *testing.B) {
		memory := make([]block, p.blocks())
		for b.Loop() {
			derive(memory, p, password, salt, hashSize)
		}
	})
	b.Run("x-crypto", func(b *testing.B) {
		for b.Loop() {
			argon2.IDKey(password, salt, p.Passes, p.Memory, p.Threads, hashSize)
		}
	})
}
