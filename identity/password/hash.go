// Package password hashes passwords and judges which may be chosen.
//
// Hashing is expensive on purpose, in time and in memory. A Hasher has a few
// slots, each with its own goroutine's worth of work, and a bounded queue in
// front: a storm of sign-ins waits or is refused, it does not starve the node.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"atelier/messages"
)

// Params are those of argon2id (RFC 9106).
type Params struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultParams are the OWASP minimum: 19 MiB, two passes.
func DefaultParams() Params { return Params{Memory: 19 << 10, Passes: 2, Threads: 1} }

const (
	saltSize = 16
	hashSize = 32
	maxInput = 1024 // bytes
)

// Hasher hashes in bounded slots.
type Hasher struct {
	params  Params
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	nothing string // hash of a password that nobody has
}

// NewHasher makes a Hasher with that many slots, 0 for one less than there are
// cores, and a queue of that many per slot.
func NewHasher(p Params, slots, queue int) *Hasher {
	if slots == 0 {
		slots = max(1, runtime.GOMAXPROCS(0)-1)
	}
	h := &Hasher{params: p, slots: make(chan struct{}, slots), queue: int64(slots * queue)}
	h.nothing = encode(p, make([]byte, saltSize), make([]byte, hashSize))
	return h
}

// Hash is the PHC string of a password under a fresh salt.
func (h *Hasher) Hash(ctx context.Context, password string) (phc string, err error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	err = h.do(ctx, func() { phc = encode(h.params, salt, key(h.params, password, salt, hashSize)) })
	return phc, err
}

// Verify compares a password with a PHC string. Stale says that the string was
// made with other parameters and should be replaced.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	p, salt, want, err := decode(phc)
	if err != nil {
		return false, false, err
	}
	err = h.do(ctx, func() {
		ok = len(password) <= maxInput && subtle.ConstantTimeCompare(key(p, password, salt, uint32(len(want))), want) == 1
	})
	return ok, p != h.params, err
}

// VerifyNothing costs what Verify costs.
func (h *Hasher) VerifyNothing(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, h.nothing, password)
	return err
}

// do runs f in a slot. When the queue is full it refuses with CodeOverloaded.
func (h *Hasher) do(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > h.queue+int64(cap(h.slots)) {
		h.waiting.Add(-1)
		return messages.Refuse(messages.CodeOverloaded, "too many sign-ins at once")
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	}
	defer func() { <-h.slots }()
	f()
	return nil
}

// key derives from the password in NFKC, so that one password typed on two
// keyboards is one password (NIST SP 800-63B-4, 3.1.1.2).
func key(p Params, password string, salt []byte, size uint32) []byte {
	return argon2.IDKey(norm.NFKC.AppendString(nil, password), salt, p.Passes, p.Memory, p.Threads, size)
}

func encode(p Params, salt, hash []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads, e.EncodeToString(salt), e.EncodeToString(hash))
}

func decode(phc string) (p Params, salt, hash []byte, err error) {
	bad := fmt.Errorf("password: the stored hash is not an argon2id PHC string")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, nil, nil, bad
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); err != nil {
		return p, nil, nil, bad
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, nil, nil, bad
	}
	if hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(hash) < 16 || p.Passes == 0 || p.Threads == 0 {
		return p, nil, nil, bad
	}
	return p, salt, hash, nil
}
