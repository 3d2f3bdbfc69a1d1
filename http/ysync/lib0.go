package ysync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrMalformed wraps errors of what is no message, and ErrLimit those of what is
// larger than it may be.
var (
	ErrMalformed = errors.New("not a message of the protocol")
	ErrLimit     = errors.New("the message exceeds a limit")
)

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

// reader reads lib0's encoding.
type reader struct{ b []byte }

// maxInteger is the largest that JavaScript counts to.
const maxInteger = 1<<53 - 1

// uint reads a variable-length number of at most 53 bits.
func (r *reader) uint() (uint64, error) {
	n, size := binary.Uvarint(r.b)
	switch {
	case size == 0:
		return 0, malformed("it ends too early")
	case size < 0 || n > maxInteger:
		return 0, malformed("a number is too large")
	}
	r.b = r.b[size:]
	return n, nil
}

// bytes reads a number and as many bytes.
func (r *reader) bytes() ([]byte, error) {
	n, err := r.uint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(r.b)) {
		return nil, malformed("a length promises more than follows")
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b, nil
}

// text reads a text of at most so many bytes.
func (r *reader) text(most int) (string, error) {
	b, err := r.bytes()
	switch {
	case err != nil:
		return "", err
	case len(b) > most:
		return "", fmt.Errorf("%w: a text of more than %d bytes", ErrLimit, most)
	case !utf8.Valid(b):
		return "", malformed("a text is not UTF-8")
	}
	return string(b), nil
}

func appendBytes[B []byte | string](dst []byte, b B) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
