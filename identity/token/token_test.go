package token_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
	"atelier/identity/token"
	"atelier/messages"
)

const (
	user    = "0190a000-0000-7000-8000-000000000001"
	session = "0190a000-0000-7000-8000-000000000002"
	issuer  = "https://atelier.example"
)

// store is a KeyStore in memory, shared by the nodes of a test.
type store struct {
	mu   sync.Mutex
	keys []token.Key
}

func (s *store) Keys(context.Context) ([]token.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), nil
}

func (s *store) AddKey(_ context.Context, k token.Key) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.keys, func(o token.Key) bool { return o.Kid == k.Kid }) {
		return false, nil
	}
	s.keys = append(s.keys, k)
	return true, nil
}

func (s *store) RemoveKey(_ context.Context, kid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k token.Key) bool { return k.Kid == kid })
	return nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var master = seal.Generate()

// sessionLifetime is not the time between rotations.
const sessionLifetime = 40 * 24 * time.Hour

func node(t testing.TB, s *store, c *clock) (*token.Ring, *token.Mint) {
	sealer, err := seal.Parse(master)
	require.NoError(t, err)
	ring := token.NewRing(token.DefaultRingConfig(sessionLifetime), s, sealer, c.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, ring.Refresh(t.Context()))
	return ring, token.NewMint(ring, issuer)
}

func start() *clock { return &clock{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)} }

func TestAccess(t *testing.T) {
	t.Parallel()
	c := start()
	_, mint := node(t, &store{}, c)
	text, expires, err := mint.MintAccess(user, session)
	require.NoError(t, err)
	require.Equal(t, 15*time.Minute, expires.Sub(c.Now()))
	u, s, until, err := mint.VerifyAccess(text)
	require.NoError(t, err)
	require.Equal(t, []any{user, session}, []any{u, s})
	require.True(t, until.Equal(expires))
	c.advance(15*time.Minute + 6*time.Second)
	_, _, _, err = mint.VerifyAccess(text)
	require.True(t, messages.HasCode(err, messages.CodeTokenExpired))
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	c := start()
	s := &store{}
	ring, mint := node(t, s, c)
	genuine, _, err := mint.MintAccess(user, session)
	require.NoError(t, err)
	kid := "access-1"
	sealer, _ := seal.Parse(master)
	seed, err := sealer.Open("signing_keys|"+kid+"|sealed", s.keys[0].Sealed)
	require.NoError(t, err)
	ours := ed25519.NewKeyFromSeed(seed)
	_, theirs, _ := ed25519.GenerateKey(rand.Reader)
	now := c.Now()
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		m := jwt.MapClaims{"iss": issuer, "aud": issuer, "sub": user, "sid": session, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
		if change != nil {
			change(m)
		}
		return m
	}
	sign := func(method jwt.SigningMethod, key any, header map[string]any, m jwt.MapClaims) string {
		tok := jwt.NewWithClaims(method, m)
		tok.Header["kid"], tok.Header["typ"] = kid, "at+jwt"
		for k, v := range header {
			tok.Header[k] = v
		}
		text, err := tok.SignedString(key)
		require.NoError(t, err)
		return text
	}
	eddsa := jwt.SigningMethodEdDSA
	_, _, _, err = mint.VerifyAccess(sign(eddsa, ours, nil, claims(nil)))
	require.NoError(t, err, "the forger's tools make good tokens with the right key")
	parts := strings.Split(genuine, ".")
	forged := map[string]string{
		"alg none":           sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, claims(nil)),
		"hmac by public key": sign(jwt.SigningMethodHS256, s.keys[0].Public, nil, claims(nil)),
		"foreign key":        sign(eddsa, theirs, nil, claims(nil)),
		"unknown kid":        sign(eddsa, ours, map[string]any{"kid": "access-2"}, claims(nil)),
		"refresh kid":        sign(eddsa, ours, map[string]any{"kid": "refresh-1"}, claims(nil)),
		"foreign issuer":     sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { m["iss"] = "https://evil.example" })),
		"foreign audience":   sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { m["aud"] = "https://evil.example" })),
		"no audience":        sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { delete(m, "aud") })),
		"no expiry":          sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { delete(m, "exp") })),
		"not yet valid":      sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { m["nbf"] = now.Add(time.Hour).Unix() })),
		"issued in future":   sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { m["iat"] = now.Add(time.Hour).Unix() })),
		"subject is no id":   sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { m["sub"] = "' OR 1=1" })),
		"no session":         sign(eddsa, ours, nil, claims(func(m jwt.MapClaims) { delete(m, "sid") })),
		"critical header":    sign(eddsa, ours, map[string]any{"crit": []string{"b64"}}, claims(nil)),
		"another type":       sign(eddsa, ours, map[string]any{"typ": "JWT"}, claims(nil)),
		"key in header": sign(eddsa, theirs, map[string]any{"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519",
			"x": base64.RawURLEncoding.EncodeToString(theirs.Public().(ed25519.PublicKey))}, "jku": "https://evil.example"}, claims(nil)),
		"expired and foreign": sign(eddsa, theirs, nil, claims(func(m jwt.MapClaims) { m["exp"] = now.Add(-time.Hour).Unix() })),
		"cut signature":       genuine[:len(genuine)-4],
		"other claims":        parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+issuer+`"}`)) + "." + parts[2],
		"two segments":        parts[0] + "." + parts[1],
		"four segments":       genuine + ".x",
		"padded":              genuine + "=",
		"empty":               "",
		"too long":            genuine + strings.Repeat("a", 5000),
		"a refresh token":     mustRefresh(t, mint, 0, now),
	}
	for name, text := range forged {
		_, _, _, err := mint.VerifyAccess(text)
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken), "%s: %v", name, err)
	}
	require.NotContains(t, string(ring.JWKS()), base64.RawURLEncoding.EncodeToString(seed))
}

func mustRefresh(t testing.TB, m *token.Mint, generation uint32, born time.Time) string {
	text, err := m.MintRefresh(session, generation, born)
	require.NoError(t, err)
	return text
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	c := start()
	_, mint := node(t, &store{}, c)
	text := mustRefresh(t, mint, 7, c.Now())
	require.Equal(t, text, mustRefresh(t, mint, 7, c.Now()), "one generation is one token")
	id, generation, err := mint.ParseRefresh(text)
	require.NoError(t, err)
	require.Equal(t, session, id)
	require.Equal(t, uint32(7), generation)
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		_, _, err := mint.ParseRefresh(string(changed))
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken), "byte %d", i)
		_, _, err = mint.ParseRefresh(text[:i])
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken), "cut at %d", i)
	}
}

func TestRotationOverlaps(t *testing.T) {
	t.Parallel()
	c, s := start(), &store{}
	ring, mint := node(t, s, c)
	born := c.Now()
	refresh := mustRefresh(t, mint, 1, born)
	config := token.DefaultRingConfig(sessionLifetime)
	c.advance(config.RotateEvery - config.Overlap)
	old, _, err := mint.MintAccess(user, session)
	require.NoError(t, err)
	require.NoError(t, ring.Refresh(t.Context()))
	require.Equal(t, []string{"access-1", "access-2"}, kids(t, ring), "published before it signs")
	require.Equal(t, "access-1", kidOf(t, mint))
	c.advance(config.Overlap)
	require.Equal(t, "access-2", kidOf(t, mint))
	_, _, _, err = mint.VerifyAccess(old)
	require.NoError(t, err, "the old key verifies on")
	require.Equal(t, refresh, mustRefresh(t, mint, 1, born), "a session keeps the key of its birth")
	c.advance(config.AccessLife + config.Overlap + time.Second)
	require.NoError(t, ring.Refresh(t.Context()))
	require.Equal(t, []string{"access-2"}, kids(t, ring), "and is gone when its last token has expired")
	_, _, err = mint.ParseRefresh(refresh)
	require.NoError(t, err)
	c.advance(config.RefreshLife)
	require.NoError(t, ring.Refresh(t.Context()))
	require.NoError(t, ring.Refresh(t.Context()))
	_, _, err = mint.ParseRefresh(refresh)
	require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
}

// TestTheOldMasterKeyMayGo: what it sealed is gone when a key's time and the
// longest session are over, and not before.
func TestTheOldMasterKeyMayGo(t *testing.T) {
	t.Parallel()
	c, s := start(), &store{}
	node(t, s, c)
	fresh := seal.Generate()
	with := func(keys string) *token.Ring {
		sealer, err := seal.Parse(keys)
		require.NoError(t, err)
		return token.NewRing(token.DefaultRingConfig(sessionLifetime), s, sealer, c.Now, slog.New(slog.DiscardHandler))
	}
	both := with(fresh + "," + master)
	config := token.DefaultRingConfig(sessionLifetime)
	lives := config.RotateEvery + sessionLifetime // and what the overlaps add
	for step := time.Hour; c.Now().Before(start().Now().Add(lives)); c.advance(step) {
		require.NoError(t, both.Refresh(t.Context()))
		require.ErrorIs(t, with(fresh).Refresh(t.Context()), seal.ErrOpened)
	}
	c.advance(2 * time.Hour)
	require.NoError(t, both.Refresh(t.Context()))
	require.NoError(t, with(fresh).Refresh(t.Context()))
}

func kids(t *testing.T, r *token.Ring) []string {
	var document struct {
		Keys []map[string]string `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(r.JWKS(), &document))
	var ids []string
	for _, k := range document.Keys {
		require.Equal(t, "EdDSA", k["alg"])
		require.NotContains(t, k, "d")
		ids = append(ids, k["kid"])
	}
	return ids
}

func kidOf(t *testing.T, m *token.Mint) string {
	text, _, err := m.MintAccess(user, session)
	require.NoError(t, err)
	parsed, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	require.NoError(t, err)
	return parsed.Header["kid"].(string)
}

// TestRotationByHand: successors before their time, published for as long as was
// asked for; what was signed before stays good until its key is retired.
func TestRotationByHand(t *testing.T) {
	t.Parallel()
	c, s := start(), &store{}
	sealer, err := seal.Parse(master)
	require.NoError(t, err)
	retired := 0
	config := token.DefaultRingConfig(sessionLifetime)
	config.Retired = func() { retired++ }
	ring := token.NewRing(config, s, sealer, c.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, ring.Refresh(t.Context()))
	mint := token.NewMint(ring, issuer)
	states := func() map[string]string {
		list, err := ring.List(t.Context())
		require.NoError(t, err)
		states := map[string]string{}
		for _, k := range list {
			states[k.Kid] = k.State
			require.Equal(t, k.State == token.Verifies || len(list) == 4 && k.State == token.Signs && k.Kid[len(k.Kid)-1] == '1', !k.Until.IsZero(), k.Kid)
		}
		return states
	}
	old, _, err := mint.MintAccess(user, session)
	require.NoError(t, err)
	refresh := mustRefresh(t, mint, 1, c.Now())
	for _, overlap := range []time.Duration{0, config.LeastOverlap() - 1, config.RotateEvery + 1} {
		require.True(t, messages.HasCode(ring.Rotate(t.Context(), overlap), messages.CodeValidationFailed))
	}
	require.NoError(t, ring.Rotate(t.Context(), time.Hour))
	require.Equal(t, map[string]string{"access-1": "signs", "access-2": "waits", "refresh-1": "signs", "refresh-2": "waits"}, states())
	require.Equal(t, []string{"access-1", "access-2"}, kids(t, ring))
	require.True(t, messages.HasCode(ring.Rotate(t.Context(), time.Hour), messages.CodeInvalidState), "they have successors")
	for _, early := range []string{"access-1", "access-2", "refresh-1"} {
		require.True(t, messages.HasCode(ring.Retire(t.Context(), early), messages.CodeInvalidState), early)
	}
	require.True(t, messages.HasCode(ring.Retire(t.Context(), "access-9"), messages.CodeNotFound))
	require.Equal(t, "access-1", kidOf(t, mint))
	c.advance(time.Hour)
	require.Equal(t, "access-2", kidOf(t, mint))
	require.Equal(t, map[string]string{"access-1": "verifies", "access-2": "signs", "refresh-1": "verifies", "refresh-2": "signs"}, states())
	other, otherMint := node(t, s, c)
	require.Zero(t, retired)
	require.NoError(t, ring.Retire(t.Context(), "access-1"))
	require.NoError(t, ring.Retire(t.Context(), "refresh-1"))
	require.Equal(t, 1, retired, "of access tokens alone")
	for _, m := range []*token.Mint{mint, otherMint} {
		require.NoError(t, other.Refresh(t.Context()))
		_, _, _, err = m.VerifyAccess(old)
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
		_, _, err = m.ParseRefresh(refresh)
		require.True(t, messages.HasCode(err, messages.CodeInvalidToken))
		fresh, _, err := m.MintAccess(user, session)
		require.NoError(t, err)
		_, _, _, err = m.VerifyAccess(fresh)
		require.NoError(t, err)
	}
	require.True(t, messages.HasCode(ring.Retire(t.Context(), "access-2"), messages.CodeInvalidState), "the last one stays")
}

func TestNodesThatStartTogetherShareTheKeys(t *testing.T) {
	t.Parallel()
	c, s := start(), &store{}
	mints := make([]*token.Mint, 8)
	var all sync.WaitGroup
	for i := range mints {
		all.Go(func() { _, mints[i] = node(t, s, c) })
	}
	all.Wait()
	require.Len(t, s.keys, 2)
	text, _, err := mints[0].MintAccess(user, session)
	require.NoError(t, err)
	for _, m := range mints {
		_, _, _, err := m.VerifyAccess(text)
		require.NoError(t, err)
		require.Equal(t, mustRefresh(t, mints[0], 3, c.Now()), mustRefresh(t, m, 3, c.Now()))
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := start()
	cache := token.NewCache[string](3, c.Now)
	put := func(text, user, session string) bool {
		keep, _ := cache.Begin(text, user, session)
		return keep("of "+text, c.Now().Add(time.Minute))
	}
	has := func(text string) bool { v, ok := cache.Get(text); return ok && v == "of "+text }
	require.True(t, put("a", "u1", "s1"))
	require.True(t, put("b", "u1", "s2"))
	require.True(t, put("c", "u2", "s3"))
	require.True(t, has("a") && has("b") && has("c"))
	cache.Revoke([]messages.Mark{{Session: "s1"}, {Project: "p", User: "u2"}})
	require.True(t, !has("a") && has("b") && has("c"))
	cache.Revoke([]messages.Mark{{User: "u1"}})
	require.True(t, !has("b") && has("c"))

	keep, _ := cache.Begin("d", "u3", "s4")
	require.False(t, has("d"), "registered, not known")
	cache.Revoke([]messages.Mark{{Session: "s4"}})
	require.False(t, keep("of d", c.Now().Add(time.Minute)), "an answer that a revocation overtook is thrown away")
	require.False(t, has("d"))
	require.True(t, put("e", "u4", "s5"))
	keep, _ = cache.Begin("f", "u5", "s6")
	cache.Clear()
	require.False(t, has("e"))
	require.False(t, keep("of f", c.Now().Add(time.Minute)), "nor is what was being asked kept")

	for i := range 10 {
		require.True(t, put(fmt.Sprint(i), "u", "s"))
	}
	kept := 0
	for i := range 10 {
		if has(fmt.Sprint(i)) {
			kept++
		}
	}
	require.LessOrEqual(t, kept, 3)
	require.True(t, has("9"))
	c.advance(time.Minute)
	require.False(t, has("9"), "expired")
}

func BenchmarkCacheHit(b *testing.B) {
	cache := token.NewCache[*int](1000, time.Now)
	text := strings.Repeat("x", 400)
	keep, _ := cache.Begin(text, "u", "s")
	keep(new(int), time.Now().Add(time.Hour))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := cache.Get(text); !ok {
			b.Fatal("missed")
		}
	}
}
