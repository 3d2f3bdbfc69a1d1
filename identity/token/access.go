package token

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"atelier/messages"
)

const (
	maxToken = 4 << 10 // bytes; longer ones are not looked at
	leeway   = 5 * time.Second
)

// Mint makes and reads the tokens of one installation.
type Mint struct {
	ring   *Ring
	issuer string // the installation's public URL, also the audience
	parser *jwt.Parser
}

// NewMint makes tokens in the name of the public URL.
func NewMint(ring *Ring, publicURL string) *Mint {
	return &Mint{ring: ring, issuer: publicURL, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(publicURL), jwt.WithAudience(publicURL), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithTimeFunc(ring.now),
	)}
}

type claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
}

// MintAccess signs an access token for a user's session.
func (m *Mint) MintAccess(userID, sessionID string) (token string, expires time.Time, err error) {
	now := m.ring.now()
	key, err := at(m.ring.keys.Load().access, now)
	if err != nil {
		return "", expires, err
	}
	expires = now.Add(m.ring.config.AccessLife).Truncate(time.Second)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: m.issuer, Audience: jwt.ClaimStrings{m.issuer}, Subject: userID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		}, SessionID: sessionID,
	})
	t.Header["kid"] = key.Kid
	t.Header["typ"] = "at+jwt" // RFC 9068
	token, err = t.SignedString(ed25519.PrivateKey(key.private))
	return token, expires, err
}

// VerifyAccess reads an access token. Errors are refusals: CodeTokenExpired for
// a genuine token that has expired, else CodeInvalidToken.
func (m *Mint) VerifyAccess(token string) (userID, sessionID string, expires time.Time, err error) {
	if len(token) > maxToken {
		return "", "", expires, invalid()
	}
	var c claims
	_, err = m.parser.ParseWithClaims(token, &c, m.key)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer) && !errors.Is(err, jwt.ErrTokenInvalidAudience):
		return "", "", expires, messages.Refuse(messages.CodeTokenExpired, "the access token has expired")
	case err != nil, !messages.ValidID(c.Subject), !messages.ValidID(c.SessionID):
		return "", "", expires, invalid()
	}
	return c.Subject, c.SessionID, c.ExpiresAt.Time, nil
}

// key finds the key that a token names. Whatever else its header says about
// keys is not looked at (RFC 8725, 3.9 and 3.10).
func (m *Mint) key(t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, errors.New("token: critical extensions are not supported")
	}
	if typ, _ := t.Header["typ"].(string); typ != "at+jwt" {
		return nil, errors.New("token: not an access token")
	}
	kid, _ := t.Header["kid"].(string)
	k, ok := find(m.ring.keys.Load().access, kid)
	if !ok {
		return nil, fmt.Errorf("token: no key %q", kid)
	}
	return ed25519.PublicKey(k.Public), nil
}

func invalid() error {
	return messages.Refuse(messages.CodeInvalidToken, "the token is not valid")
}
