// Package seal encrypts secrets at rest: AES-256-GCM under a master key, bound
// to the place where the sealed bytes are kept.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Errors tell operators what is wrong and never contain key material.
var (
	ErrKey    = errors.New("seal: a master key must be 32 bytes in base64 (make one with: openssl rand -base64 32)")
	ErrOpened = errors.New("seal: the sealed value cannot be opened: it was changed, moved, or sealed under another master key")
)

const (
	format  = 1
	idSize  = 8
	keySize = 32
)

// Ring holds master keys. The first seals, all open: to rotate, put the new key
// in front. Nothing is sealed anew; the old key stays until what it sealed is
// gone, which SECURITY.md says when.
type Ring struct{ keys []masterKey }

type masterKey struct {
	id   [idSize]byte // leading bytes of the key's SHA-256
	raw  []byte
	aead cipher.AEAD
}

// Parse reads a comma-separated list of base64 keys.
func Parse(list string) (*Ring, error) {
	r := &Ring{}
	for text := range strings.SplitSeq(list, ",") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(raw) != keySize {
			return nil, ErrKey
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		sum := sha256.Sum256(raw)
		r.keys = append(r.keys, masterKey{id: [idSize]byte(sum[:idSize]), raw: raw, aead: aead})
	}
	return r, nil
}

// Generate makes a master key in the form that Parse reads.
func Generate() string {
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails
	return base64.StdEncoding.EncodeToString(raw)
}

// Seal encrypts. The place, table|row|column, is authenticated with it: sealed
// bytes cannot be moved to another. A key seals up to 2³² values (NIST SP
// 800-38D, 8.3: random nonces).
func (r *Ring) Seal(place string, plain []byte) []byte {
	key := r.keys[0]
	out := append([]byte{format}, key.id[:]...)
	return key.aead.Seal(out, nil, plain, []byte(place))
}

// Derive makes a key for another purpose from the first master key (HKDF-SHA256,
// RFC 5869). It changes with it.
func (r *Ring) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, r.keys[0].raw, nil, purpose, keySize)
	if err != nil {
		panic(err) // only for absurd lengths
	}
	return key
}

// DeriveAll is Derive from each of the master keys, the first one's first: for what
// earlier keys have signed.
func (r *Ring) DeriveAll(purpose string) (keys [][]byte) {
	for i := range r.keys {
		keys = append(keys, (&Ring{keys: r.keys[i : i+1]}).Derive(purpose))
	}
	return keys
}

// IDs name the master keys without telling them, the first one's first.
func (r *Ring) IDs() (names []string) {
	for i := range r.keys {
		names = append(names, hex.EncodeToString(r.keys[i].id[:]))
	}
	return names
}

// SealedBy is the id of the master key that sealed; empty for what Seal did not
// make.
func SealedBy(sealed []byte) string {
	if len(sealed) < 1+idSize || sealed[0] != format {
		return ""
	}
	return hex.EncodeToString(sealed[1 : 1+idSize])
}

// Open decrypts what Seal made for the same place, or returns ErrOpened.
func (r *Ring) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+idSize || sealed[0] != format {
		return nil, ErrOpened
	}
	for _, key := range r.keys {
		if string(key.id[:]) != string(sealed[1:1+idSize]) {
			continue
		}
		if plain, err := key.aead.Open(nil, nil, sealed[1+idSize:], []byte(place)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrOpened
}
