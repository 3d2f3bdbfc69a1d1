package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// TestForgedTokensGetNowhere: no operation that asks who is there takes a token that
// was not made for it, by a header or by a cookie, not even an operation that would let
// nobody in.
func TestForgedTokensGetNowhere(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	p := startProgram(t, store)
	root := admin(t, p)
	project := root.post("/projects", object{"name": "Harbour", "settings": object{"public": true}}).created(t).text("id")
	root.get("/users/me").want(t, 200) // it is known, and remembered, by its text
	forged := forgeries(t, store, root)
	require.Greater(t, len(forged), 14)
	var asking sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, op := range rightsOps(t, readDocument(t, p)) {
		if op.permission == "public" || op.permission == "socket" { // of those TestForgedTokensOpenNoSocket tells
			continue
		}
		path := strings.NewReplacer("{project_id}", project, "{user_id}", root.user, "{session_id}", root.session, "{invitation_id}", project, "{document_id}", project, "{version_id}", project, "{node}", p.members.node).Replace(op.path)
		for name, token := range forged {
			asking.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				for _, header := range []string{"Authorization: Bearer " + token, "Cookie: atelier_access=" + token} {
					a := root.nobody().do(op.method, path, nil, header)
					code := "invalid_token"
					if name == "expired" {
						code = "token_expired"
					}
					require.Equal(t, 401, a.status, "%s: %s: %s", op.id, name, a.body)
					require.Equal(t, code, a.text("code"), "%s: %s: %s", op.id, name, a.body)
				}
			})
		}
	}
	asking.Wait()
	root.get("/users/me").want(t, 200)
}

// forgeries are made with what an attacker may have, or with the right key where he is
// somebody who has tokens of it for something else.
func forgeries(t *testing.T, store storeSettings, victim *client) map[string]string {
	sealer, err := store.masterKey()
	require.NoError(t, err)
	s := &server{log: slog.New(slog.DiscardHandler)}
	db, err := store.openStore(t.Context(), s, freshName())
	require.NoError(t, err)
	defer db.close()
	keys, err := db.keys.Keys(t.Context())
	require.NoError(t, err)
	kid, now := "access-1", time.Now()
	var ours ed25519.PrivateKey
	var public []byte
	for _, k := range keys {
		if k.Kid == kid {
			seed, err := sealer.Open("signing_keys|"+kid+"|sealed", k.Sealed)
			require.NoError(t, err)
			ours, public = ed25519.NewKeyFromSeed(seed), k.Public
		}
	}
	_, theirs, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	type change = func(header map[string]any, claims jwt.MapClaims)
	sign := func(method jwt.SigningMethod, key any, change change) string {
		claims := jwt.MapClaims{"iss": "http://atelier.test", "aud": "http://atelier.test", "sub": victim.user, "sid": victim.session, "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
		tok := jwt.NewWithClaims(method, claims)
		tok.Header["kid"], tok.Header["typ"] = kid, "at+jwt"
		if change != nil {
			change(tok.Header, claims)
		}
		text, err := tok.SignedString(key)
		require.NoError(t, err)
		return text
	}
	by := func(change change) string { return sign(jwt.SigningMethodEdDSA, ours, change) }
	victim.nobody().get("/users/me", "Authorization: Bearer "+by(nil)).want(t, 200) // the tools make good tokens
	parts := strings.Split(victim.token, ".")
	return map[string]string{
		"alg none":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"hmac by public key":  sign(jwt.SigningMethodHS256, public, nil),
		"another's key":       sign(jwt.SigningMethodEdDSA, theirs, nil),
		"a key in the header": sign(jwt.SigningMethodEdDSA, theirs, func(h map[string]any, _ jwt.MapClaims) { h["jku"] = "https://evil.example/jwks" }),
		"unknown key":         by(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "access-99" }),
		"a refresh key":       by(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "refresh-1" }),
		"a path for a key":    by(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "../../dev/null" }),
		"another type":        by(func(h map[string]any, _ jwt.MapClaims) { h["typ"] = "JWT" }),
		"critical header":     by(func(h map[string]any, _ jwt.MapClaims) { h["crit"] = []string{"b64"} }),
		"another issuer":      by(func(_ map[string]any, c jwt.MapClaims) { c["iss"] = "https://evil.example" }),
		"another audience":    by(func(_ map[string]any, c jwt.MapClaims) { c["aud"] = "https://evil.example" }),
		"no audience":         by(func(_ map[string]any, c jwt.MapClaims) { delete(c, "aud") }),
		"no expiry":           by(func(_ map[string]any, c jwt.MapClaims) { delete(c, "exp") }),
		"expired":             by(func(_ map[string]any, c jwt.MapClaims) { c["exp"] = now.Add(-time.Minute).Unix() }),
		"not yet valid":       by(func(_ map[string]any, c jwt.MapClaims) { c["nbf"] = now.Add(time.Hour).Unix() }),
		"no session":          by(func(_ map[string]any, c jwt.MapClaims) { delete(c, "sid") }),
		"a name for a user":   by(func(_ map[string]any, c jwt.MapClaims) { c["sub"] = "admin" }),
		"another's claims":    parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"admin"}`)) + "." + parts[2],
		"no signature":        parts[0] + "." + parts[1] + ".",
		"a refresh token":     victim.refresh,
	}
}
