package messages

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Typed ids, used inside rules; messages carry them as strings.
type (
	// UserID is the UUID of a user in its canonical text form.
	UserID string
	// SessionID is the UUID of a session.
	SessionID string
	// ProjectID is the UUID of a project.
	ProjectID string
	// DocumentID is the UUID of a document.
	DocumentID string
)

// ValidID reports whether s is a UUID in canonical lower-case text form.
func ValidID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return false
		}
	}
	return true
}

// ParseUUID returns the 16 bytes of a canonical UUID; ok is false for any other text.
func ParseUUID(s string) (id [16]byte, ok bool) {
	if !ValidID(s) {
		return id, false
	}
	var digits [32]byte
	n := copy(digits[:], s[:8])
	n += copy(digits[n:], s[9:13])
	n += copy(digits[n:], s[14:18])
	n += copy(digits[n:], s[19:23])
	copy(digits[n:], s[24:])
	_, err := hex.Decode(id[:], digits[:])
	return id, err == nil
}

// FormatUUID is the canonical text of 16 bytes.
func FormatUUID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// FirstUUID is no greater than any UUID of version 7 that was made at the time or later
// (RFC 9562, 5.7), and greater than all from before.
func FirstUUID(t time.Time) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(max(t.UnixMilli(), 0))<<16)
	return id
}

// UserStream is a user's part of the event log. A stream has one writer: the
// entity it names.
func UserStream(id string) string { return "users/" + id }

// ProjectStream is a project's part of the event log.
func ProjectStream(id string) string { return "projects/" + id }
