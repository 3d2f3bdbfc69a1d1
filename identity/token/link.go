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

// A link's token is, in base64url, what it is a link of: the id of its owner, a user
// or a project, and its own (16 bytes each); a point; and an HMAC-SHA256 over its
// purpose and both. It is derived when it is mailed and stored nowhere. The key is
// that of the link's birth, which its id, a UUID v7, tells.
const (
	linkBody = 16 + 16
	linkText = 43 // characters of 32 bytes in base64url
)

// MintLink makes the token of a link.
func (m *Mint) MintLink(purpose, owner, id string) (string, error) {
	own, _ := messages.ParseUUID(owner)
	link, _ := messages.ParseUUID(id)
	key, err := at(m.ring.keys.Load().refresh, bornAt(link))
	if err != nil {
		return "", err
	}
	body := append(own[:], link[:]...)
	return encodeLink(body) + "." + encodeLink(authenticateLink(purpose, body, key.private)), nil
}

func encodeLink(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// bornAt is the time in a UUID v7 (RFC 9562, 5.7).
func bornAt(id [16]byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, id[:6]...))))
}

func authenticateLink(purpose string, body, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("link|" + purpose + "|"))
	mac.Write(body)
	return mac.Sum(nil)
}

// ParseLink reads a token of that purpose. What no key of the ring has made is
// refused as a link that is no good any more, without a look at its owner.
func (m *Mint) ParseLink(purpose, token string) (owner, id string, err error) {
	text, mac, _ := strings.Cut(token, ".")
	if len(text) != linkText || len(mac) != linkText {
		return "", "", messages.UsedUp()
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(text)
	given, failed := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || failed != nil {
		return "", "", messages.UsedUp()
	}
	for _, key := range m.ring.keys.Load().refresh {
		if hmac.Equal(authenticateLink(purpose, body, key.private), given) {
			return messages.FormatUUID([16]byte(body[:16])), messages.FormatUUID([16]byte(body[16:linkBody])), nil
		}
	}
	return "", "", messages.UsedUp()
}
