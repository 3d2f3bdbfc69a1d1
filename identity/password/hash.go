// Package password hashes passwords and judges which may be chosen.
//
// Hashing is expensive on purpose, in time and in memory. A Hasher has a few
// slots and a bounded queue in front: a storm of sign-ins waits or is refused, it
// does not starve the node. A slot's 19 MiB are allocated when it is first needed
// and used again ever after. In a storm of sign-ins a server with one slot took
// 32–39 MiB more than idle at its peak; with memory of its own for each hash it
// took 82–120. That costs CPU: about 1.2 times that of golang.org/x/crypto/argon2,
// which is partly assembly (BenchmarkDerive).
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

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
	waiting atomic.Int64 // or in a slot
	refused atomic.Int64
	queue   int64
	nothing string // hash of a password that nobody has

	mu   sync.Mutex
	free [][]block // memory of slots that are empty; the one left last is taken first
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
	err = h.do(ctx, func() { phc = encode(h.params, salt, h.key(h.params, password, salt, hashSize)) })
	return phc, err
}

// Verify compares a password with a PHC string, whatever parameters it was made
// with.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok bool, err error) {
	p, salt, want, err := decode(phc)
	if err != nil {
		return false, err
	}
	err = h.do(ctx, func() {
		ok = len(password) <= maxInput && subtle.ConstantTimeCompare(h.key(p, password, salt, uint32(len(want))), want) == 1
	})
	return ok, err
}

// VerifyNothing costs what Verify costs.
func (h *Hasher) VerifyNothing(ctx context.Context, password string) error {
	_, err := h.Verify(ctx, h.nothing, password)
	return err
}

// do runs f in a slot. When the queue is full it refuses with CodeOverloaded.
func (h *Hasher) do(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > h.queue+int64(cap(h.slots)) {
		h.waiting.Add(-1)
		h.refused.Add(1)
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

// Load is how busy a Hasher is.
type Load struct {
	Slots, Hashing, Waiting int
	Refused                 int64 // since the start, because the queue was full
}

// Load is how busy the Hasher is at the moment.
func (h *Hasher) Load() Load {
	hashing := len(h.slots)
	return Load{Slots: cap(h.slots), Hashing: hashing, Waiting: max(0, int(h.waiting.Load())-hashing), Refused: h.refused.Load()}
}

// key derives from the password in NFKC, so that one password typed on two
// keyboards is one password (NIST SP 800-63B-4, 3.1.1.2).
func (h *Hasher) key(p Params, password string, salt []byte, size uint32) []byte {
	memory := h.take()
	defer h.leave(memory)
	if n := p.blocks(); n > len(memory) {
		memory = make([]block, n) // of a hash made with more, which is rare
	}
	return derive(memory[:p.blocks()], p, norm.NFKC.AppendString(nil, password), salt, size)
}

// take is the memory of a slot: what another left, else, for the first in so
// many slots at once, fresh one.
func (h *Hasher) take() []block {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.free)
	if n == 0 {
		return make([]block, h.params.blocks())
	}
	memory := h.free[n-1]
	h.free = h.free[:n-1]
	return memory
}

func (h *Hasher) leave(memory []block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = append(h.free, memory)
}

func encode(p Params, salt, hash []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", version, p.Memory, p.Passes, p.Threads, e.EncodeToString(salt), e.EncodeToString(hash))
}

func decode(phc string) (p Params, salt, hash []byte, err error) {
	bad := fmt.Errorf("password: the stored hash is not an argon2id PHC string")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, nil, nil, bad
	}
	var v int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &v); err != nil || v != version {
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
