package password_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity/password"
	"atelier/messages"
)

// cheap keeps tests fast; the parameters travel in the PHC string.
var cheap = password.Params{Memory: 64, Passes: 1, Threads: 1}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	h := password.NewHasher(cheap, 2, 8)
	phc, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$"))
	again, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotEqual(t, phc, again, "salts differ")
	for given, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false, "correct\u00a0horse": true} {
		ok, err := h.Verify(t.Context(), phc, given)
		require.NoError(t, err)
		require.Equal(t, want, ok, "%q", given)
	}
	ok, err := password.NewHasher(password.DefaultParams(), 1, 1).Verify(t.Context(), phc, "correct horse")
	require.NoError(t, err)
	require.True(t, ok, "a hash made with other parameters")
}

// TestKnownAnswer holds the PHC form and the parameters' meaning against the
// reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -e.
func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, err := password.NewHasher(cheap, 1, 1).Verify(t.Context(), phc, "password")
	require.NoError(t, err)
	require.True(t, ok)
}

func TestMalformedHashes(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y", "$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8yAAAA", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$"} {
		_, err := password.NewHasher(cheap, 1, 1).Verify(t.Context(), bad, "password")
		require.Error(t, err, bad)
	}
}

// TestMemoryIsReused: what many derivations allocate is less than one of them
// takes. It is not parallel: allocations are counted over the whole process.
func TestMemoryIsReused(t *testing.T) {
	p := password.Params{Memory: 4 << 10, Passes: 1, Threads: 1}
	h := password.NewHasher(p, 2, 100)
	var before, after runtime.MemStats
	storm := func(n int) {
		var all sync.WaitGroup
		for range n {
			all.Go(func() { _ = h.VerifyNothing(t.Context(), "correct horse") })
		}
		all.Wait()
	}
	runtime.ReadMemStats(&before)
	storm(50)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, 3*uint64(p.Memory)<<10, "two slots at most, and one more for all the rest")
}

func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	slow := password.NewHasher(password.Params{Memory: 64 << 10, Passes: 4, Threads: 1}, 1, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	codes := make(chan string, 12)
	for range cap(codes) {
		go func() {
			_, err := slow.Hash(ctx, "x")
			if err == nil {
				codes <- "ok"
				return
			}
			codes <- messages.CodeOf(err)
		}()
	}
	seen := map[string]int{}
	for range cap(codes) {
		seen[<-codes]++
	}
	require.Equal(t, cap(codes), seen["ok"]+seen[messages.CodeOverloaded])
	require.GreaterOrEqual(t, seen[messages.CodeOverloaded], 1)
	require.GreaterOrEqual(t, seen["ok"], 2)
	_, err := slow.Hash(t.Context(), "x")
	require.NoError(t, err, "the slots are free again")
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	h := password.NewHasher(password.Params{Memory: 64 << 10, Passes: 3, Threads: 1}, 1, 4)
	busy := make(chan struct{})
	go func() { _, _ = h.Hash(context.Background(), "x"); close(busy) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		_, err := h.Hash(ctx, "x")
		if err != nil {
			require.True(t, messages.HasCode(err, messages.CodeTimeout))
			break
		}
	}
	<-busy
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ password, code string }{
		{"short", messages.CodeWeakPassword},
		{"fourteen chars", messages.CodeWeakPassword},
		{strings.Repeat("wide ", 205), messages.CodeWeakPassword},
		{"passwordpassword", messages.CodeBreachedPassword},
		{"P@ssw0rdP@ssw0rd", messages.CodeBreachedPassword},
		{"password1234567890", messages.CodeBreachedPassword},
		{"Password!!!!!!!!!!!!", messages.CodeBreachedPassword},
		{"aaaaaaaaaaaaaaaa", messages.CodeBreachedPassword},
		{"abcabcabcabcabcabc", messages.CodeBreachedPassword},
		{"qwertyuiopasdfgh", messages.CodeBreachedPassword},
		{"123456789012345678", messages.CodeBreachedPassword},
		{"Sunshine Football", messages.CodeBreachedPassword},
		{"correct horse battery staple", messages.CodeBreachedPassword},
		{"annabella-1234567", messages.CodeWeakPassword},
		{"Ann.Abella@example.com", messages.CodeWeakPassword},
		{"example.com12345", messages.CodeWeakPassword},
		{"my atelier 12345", messages.CodeWeakPassword},
		{"the atelier by the river", ""},
		{"blue teapots sing loudly", ""},
		{"\u65e5\u672c\u8a9e\u306e\u9577\u3044\u5408\u3044\u8a00\u8449\u3067\u3059\u3088\u306d\u3048\u306d", ""},
		{strings.Repeat("a long sentence, never repeated; ", 1) + strings.Repeat("x9", 20), ""},
	} {
		err := password.Check(c.password, "Annabella", "ann.abella@example.com")
		if c.code == "" {
			require.NoError(t, err, c.password)
		} else {
			require.True(t, messages.HasCode(err, c.code), "%q: %v", c.password, err)
			require.NotContains(t, err.Error(), c.password)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := password.NewHasher(password.DefaultParams(), 1, 8)
	for b.Loop() {
		_, _ = h.Hash(b.Context(), "correct horse battery staple")
	}
}
