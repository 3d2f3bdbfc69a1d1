package yupdate

import (
	"encoding/json"
	"unicode/utf8"
)

// reader reads lib0's encoding. Its methods fail at the end of the input.
type reader struct {
	b     []byte
	at    int
	depth int // most values within values
}

func (r *reader) left() int { return len(r.b) - r.at }

func (r *reader) byte() (byte, error) {
	if r.at == len(r.b) {
		return 0, r.malformed("it ends too early")
	}
	b := r.b[r.at]
	r.at++
	return b, nil
}

// uint reads a variable-length number of at most 53 bits.
func (r *reader) uint() (n uint64, err error) {
	for shift := 0; shift < 63; shift += 7 {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > maxInteger {
				break
			}
			return n, nil
		}
	}
	return 0, r.malformed("a number is too large")
}

// count reads the number of things that follow, each of at least size bytes.
func (r *reader) count(size int) (int, error) {
	n, err := r.uint()
	if err == nil && n > uint64(r.left()/size) {
		err = r.malformed("a number promises more than follows")
	}
	return int(n), err
}

func (r *reader) bytes() ([]byte, error) {
	n, err := r.count(1)
	if err != nil {
		return nil, err
	}
	r.at += n
	return r.b[r.at-n : r.at], nil
}

func (r *reader) text() ([]byte, error) {
	s, err := r.bytes()
	if err == nil && !utf8.Valid(s) {
		err = r.malformed("a text is not UTF-8")
	}
	return s, err
}

// json reads a text with a JSON value in it.
func (r *reader) json() error {
	s, err := r.text()
	switch {
	case err != nil:
		return err
	case nested(s) > r.depth:
		return exceeds("values within values", uint64(r.depth))
	case !json.Valid(s):
		return r.malformed("a value is not JSON")
	}
	return nil
}

// nested is the depth of a JSON value.
func nested(s []byte) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			most = max(most, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}

// Tags of lib0's values; those above are undefined and null.
const (
	anyInteger = 125
	anyFloat32 = 124
	anyFloat64 = 123
	anyBigInt  = 122
	anyFalse   = 121
	anyTrue    = 120
	anyText    = 119
	anyObject  = 118
	anyArray   = 117
	anyBytes   = 116
)

// any passes over one value.
func (r *reader) any(depth int) error {
	if depth > r.depth {
		return exceeds("values within values", uint64(r.depth))
	}
	tag, err := r.byte()
	if err != nil {
		return err
	}
	switch tag {
	case 127, 126, anyFalse, anyTrue:
		return nil
	case anyInteger:
		return r.int()
	case anyFloat32:
		return r.skip(4)
	case anyFloat64, anyBigInt:
		return r.skip(8)
	case anyText:
		_, err = r.text()
		return err
	case anyBytes:
		_, err = r.bytes()
		return err
	case anyObject, anyArray:
		return r.anys(tag == anyObject, depth)
	}
	return r.malformed("a value has an unknown type")
}

// anys passes over the elements of an array, or the members of an object.
func (r *reader) anys(named bool, depth int) error {
	size := 1
	if named {
		size = 2
	}
	n, err := r.count(size)
	for ; n > 0 && err == nil; n-- {
		if named {
			if _, err = r.text(); err != nil {
				return err
			}
		}
		err = r.any(depth + 1)
	}
	return err
}

// int passes over a variable-length signed number. Its first byte has one bit less.
func (r *reader) int() error {
	for i := 0; i < 8; i++ {
		b, err := r.byte()
		if err != nil {
			return err
		}
		if b < 0x80 {
			return nil
		}
	}
	return r.malformed("a number is too large")
}

func (r *reader) skip(n int) error {
	if r.left() < n {
		return r.malformed("it ends too early")
	}
	r.at += n
	return nil
}
