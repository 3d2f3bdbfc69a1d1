package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"atelier/messages"
)

// A refresh token is atl_rt_ and, in base64url, the session's id (16 bytes), the
// generation (4), and an HMAC-SHA256 over both (32). A session's tokens are all
// made with the key of its birth, so that one generation is one token.
const (
	refreshPrefix = "atl_rt_"
	refreshBody   = 16 + 4
	refreshSize   = refreshBody + sha256.Size
)

// MintRefresh makes the refresh token of a session's generation. The same
// generation is always the same token. Born is when the session was opened.
func (m *Mint) MintRefresh(sessionID string, generation uint32, born time.Time) (string, error) {
	key, err := at(m.ring.keys.Load().refresh, born)
	if err != nil {
		return "", err
	}
	id, _ := messages.ParseUUID(sessionID)
	raw := make([]byte, 0, refreshSize)
	raw = append(raw, id[:]...)
	raw = binary.BigEndian.AppendUint32(raw, generation)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(authenticate(raw, key.private)), nil
}

func authenticate(body, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("refresh|"))
	mac.Write(body)
	return mac.Sum(body)
}

// ParseRefresh reads a refresh token. What no key of the ring has made is
// refused with CodeInvalidToken, without a look at any session.
func (m *Mint) ParseRefresh(token string) (sessionID string, generation uint32, err error) {
	text, ok := strings.CutPrefix(token, refreshPrefix)
	if !ok || base64.RawURLEncoding.DecodedLen(len(text)) != refreshSize {
		return "", 0, invalid()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", 0, invalid()
	}
	body := raw[:refreshBody:refreshBody]
	for _, key := range m.ring.keys.Load().refresh {
		if hmac.Equal(authenticate(body, key.private), raw) {
			return messages.FormatUUID([16]byte(body[:16])), binary.BigEndian.Uint32(body[16:]), nil
		}
	}
	return "", 0, invalid()
}
