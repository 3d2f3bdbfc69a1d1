package identity_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity"
	"atelier/messages"
)

// logs keep attempts as a database does.
type logs struct {
	mu  sync.Mutex
	all map[string][]byte
}

func (l *logs) UpdateAttempts(_ context.Context, keys [][]byte, _ time.Time, update func([][]byte) [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([][]byte, len(keys))
	for i, key := range keys {
		found[i] = l.all[string(key)]
	}
	for i, log := range update(found) {
		l.all[string(keys[i])] = log
	}
	return nil
}

// guarded is a world whose sign-ins are counted, at a time of the test's.
type guarded struct {
	*world
	*identity.Service
	clock atomic.Int64 // seconds
	known map[string]bool
}

func newGuarded() *guarded {
	g := &guarded{world: newWorld(), known: map[string]bool{}}
	g.clock.Store(1_800_000_000)
	now := func() time.Time { return time.Unix(g.clock.Load(), 0) }
	attempts := identity.NewAttempts(identity.DefaultAttempts(), identity.AttemptDeps{
		Store: &logs{all: map[string][]byte{}}, Key: make([]byte, 32), Now: now,
		Known: func(_ context.Context, _, network string) (bool, error) {
			return g.known[strings.TrimSuffix(network, "/32")], nil
		},
		Normal: func(address string) (string, error) { return strings.ToLower(strings.TrimSpace(address)), nil },
	})
	g.Service = identity.New(identity.Config{SessionLifetime: time.Hour}, identity.Deps{
		Accounts: g.world, Sessions: g.world, Directory: g.world, Passwords: g.world, Tokens: g.world, Attempts: attempts, Now: now,
	})
	return g
}

func (g *guarded) signIn(t *testing.T, email, password, network, device string) (*identity.Tokens, error) {
	t.Helper()
	return g.SignIn(t.Context(), &messages.Meta{}, identity.Credentials{Email: email, Password: password, IP: network, Device: device})
}

// guess tries wrong passwords and counts those that were compared.
func (g *guarded) guess(t *testing.T, n int, email, network, device string) (compared int) {
	t.Helper()
	for i := range n {
		_, err := g.signIn(t, email, fmt.Sprint("wrong ", i), network, device)
		if messages.HasCode(err, messages.CodeInvalidCredentials) {
			compared++
			continue
		}
		require.True(t, messages.HasCode(err, messages.CodeTooManyAttempts), "%v", err)
		require.Positive(t, refusal(t, err).GetRetryAfterMs())
	}
	return compared
}

func refusal(t *testing.T, err error) *messages.Error {
	t.Helper()
	refused := &messages.Error{}
	require.ErrorAs(t, err, &refused)
	return refused
}

const ada = "ada@example.com"

func TestGuessingEnds(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	require.Equal(t, 10, g.guess(t, 30, ada, "10.0.0.1", ""))
	require.Zero(t, g.guess(t, 5, " ADA@Example.com ", "10.0.0.2", ""), "another spelling and another network are the same account")
	require.EqualValues(t, 10, g.hashes.Load(), "what is refused is not compared")
	_, err := g.signIn(t, ada, "right", "10.0.0.3", "")
	require.True(t, messages.HasCode(err, messages.CodeTooManyAttempts), "the right one is refused too: else the guess would be known to be right")
	wait := refusal(t, err).GetRetryAfterMs()
	require.InDelta(t, 15*60*1000, wait, 1000)
	g.clock.Add((wait + 999) / 1000)
	require.Equal(t, 10, g.guess(t, 30, ada, "10.0.0.1", ""), "who waits may try again")
	for range 20 {
		g.clock.Add(16 * 60)
		g.guess(t, 30, ada, "10.0.0.1", "")
	}
	require.EqualValues(t, 50, g.hashes.Load(), "and so many in a day")
}

// TestUnknownAddressesAreCountedAlike: who guesses does not learn whether there is
// an account.
func TestUnknownAddressesAreCountedAlike(t *testing.T) {
	t.Parallel()
	there, nowhere := newGuarded(), newGuarded()
	nowhere.credential = nil
	for range 30 {
		_, one := there.signIn(t, ada, "wrong", "10.0.0.1", "")
		_, other := nowhere.signIn(t, ada, "wrong", "10.0.0.1", "")
		require.Equal(t, one.Error(), other.Error())
		require.Equal(t, refusal(t, one).GetRetryAfterMs(), refusal(t, other).GetRetryAfterMs())
	}
	require.Equal(t, there.hashes.Load(), nowhere.hashes.Load())
}

// TestStrangersLockNobodyOut who has signed in on the device before.
func TestStrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	tokens, err := g.signIn(t, ada, "right", "10.0.0.9", "")
	require.NoError(t, err)
	require.NotEmpty(t, tokens.Device)
	for i := range 20 {
		g.guess(t, 20, ada, fmt.Sprintf("10.0.1.%d", i), "")
	}
	_, err = g.signIn(t, ada, "right", "10.0.0.8", "")
	require.True(t, messages.HasCode(err, messages.CodeTooManyAttempts), "strangers are refused")
	again, err := g.signIn(t, ada, "right", "10.0.0.8", tokens.Device)
	require.NoError(t, err, "the device is not")
	require.NotEqual(t, tokens.Device, again.Device)

	g.known["10.0.0.7"] = true
	_, err = g.signIn(t, ada, "right", "10.0.0.7", "")
	require.NoError(t, err, "nor is a network with a session")
	require.Equal(t, 10, g.guess(t, 30, ada, "10.0.0.7", ""), "which has a budget of its own")

	require.Equal(t, 10, g.guess(t, 30, ada, "10.0.0.8", tokens.Device), "a device that guesses ends too")
	_, err = g.signIn(t, ada, "right", "10.0.0.8", again.Device)
	require.NoError(t, err, "but not another one")
}

// TestDeviceTokensAreNotMade by anybody else, and are good for one account.
func TestDeviceTokensAreNotMade(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	tokens, err := g.signIn(t, ada, "right", "10.0.0.9", "")
	require.NoError(t, err)
	require.Equal(t, 10, g.guess(t, 20, ada, "10.0.0.1", ""))
	flipped := []byte(tokens.Device)
	flipped[3] ^= 1
	for _, made := range []string{"x", string(flipped), tokens.Device + "A", tokens.Device[1:], strings.Repeat("A", len(tokens.Device))} {
		require.Zero(t, g.guess(t, 3, ada, "10.0.0.1", made), made)
	}
	g.credential.UserId = sessionID // another account
	require.Zero(t, g.guess(t, 3, ada, "10.0.0.1", tokens.Device), "another's token")
	g.credential.UserId = userID
	g.clock.Add(366 * 24 * 3600)
	require.Equal(t, 10, g.guess(t, 20, ada, "10.0.0.1", ""))
	require.Zero(t, g.guess(t, 3, ada, "10.0.0.1", tokens.Device), "after a year")
}

// TestANetworkThatTriesAllAccountsEnds before it has tried many.
func TestANetworkThatTriesAllAccountsEnds(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	compared := 0
	for i := range 40 {
		compared += g.guess(t, 5, fmt.Sprintf("user%d@example.com", i), "10.0.0.1", "")
	}
	require.Equal(t, 50, compared)
	require.Equal(t, 1, g.guess(t, 1, "user39@example.com", "10.0.0.2", ""), "another network goes on, with what the account has left")
}

// TestSuccessesCostNothing, and many at one time are counted one by one.
func TestSuccessesCostNothing(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	for range 100 {
		_, err := g.signIn(t, ada, "right", "10.0.0.1", "")
		require.NoError(t, err)
	}
	var compared atomic.Int64
	var guessing sync.WaitGroup
	for i := range 50 {
		guessing.Go(func() {
			_, err := g.signIn(t, ada, fmt.Sprint("wrong ", i), "10.0.0.1", "")
			if messages.HasCode(err, messages.CodeInvalidCredentials) {
				compared.Add(1)
			}
		})
	}
	guessing.Wait()
	require.EqualValues(t, 10, compared.Load())
}
