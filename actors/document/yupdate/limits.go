package yupdate

import (
	"errors"
	"fmt"
)

// Limits bound an update that is parsed. Nothing else bounds what is made of
// parsed ones, as it has no more structs and bytes than they have together.
type Limits struct {
	Bytes   int    // of the whole
	Clients int    // in the structs, and in the deleted ranges
	Structs int    // of all clients together
	Deletes int    // ranges
	Depth   int    // of values within values
	Clock   uint64 // at the end of a client's structs
}

// DefaultLimits are beyond all that editors write, but for the bytes, of which a
// caller knows better how many it can take.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Clients: 1 << 20, Structs: 1 << 24, Deletes: 1 << 22, Depth: 64, Clock: 1<<31 - 1}
}

// ErrMalformed wraps errors of what is not an update, and ErrLimit those of what
// exceeds the limits.
var (
	ErrMalformed = errors.New("not a Yjs update of version 1")
	ErrLimit     = errors.New("the update exceeds a limit")
)

// maxInteger is the largest that JavaScript counts to.
const maxInteger = 1<<53 - 1

func (r *reader) malformed(reason string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, reason, r.at)
}

func exceeds(what string, limit uint64) error {
	return fmt.Errorf("%w: more than %d %s", ErrLimit, limit, what)
}
