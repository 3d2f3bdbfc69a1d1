package password

import (
	"encoding/binary"
	"hash"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// Argon2id (RFC 9106, version 0x13) into memory that the caller keeps:
// golang.org/x/crypto/argon2 allocates the whole of it for each derivation, and
// between two collections several stand about. The lanes are worked off one after
// another: what runs side by side is the Hasher's to say.
const (
	version = 0x13
	variant = 2 // Argon2id
	slices  = 4 // of a pass; lanes may refer to each other's finished ones
	words   = 128
)

// block is 1 KiB: a matrix of 8 × 8 registers of two words.
type block [8][8][2]uint64

func (b *block) word(i int) uint64 { return b[i/16][i/2%8][i%2] }

// blocks is how many a derivation takes: the memory in whole slices of every lane.
func (p Params) blocks() int {
	unit := slices * int(p.Threads)
	return max(2, int(p.Memory)/unit) * unit
}

// derive computes a tag in a memory of p.blocks(), whatever is in it.
func derive(memory []block, p Params, password, salt []byte, size uint32) []byte {
	return fill(memory, p, start(p, size, password, salt, nil, nil), size)
}

// start is H₀ (3.2): of the parameters and of password, salt, secret and
// associated data.
func start(p Params, size uint32, fields ...[]byte) []byte {
	h, _ := blake2b.New512(nil) // fails for long keys only
	for _, n := range []uint32{uint32(p.Threads), size, p.Memory, p.Passes, version, variant} {
		writeNumber(h, n)
	}
	for _, field := range fields {
		writeNumber(h, uint32(len(field)))
		h.Write(field)
	}
	return h.Sum(nil)
}

// fill goes from H₀ to the tag.
func fill(memory []block, p Params, h0 []byte, size uint32) []byte {
	s := segment{memory: memory, params: p, lanes: int(p.Threads), length: len(memory) / int(p.Threads)}
	for lane := range s.lanes {
		for column := range 2 {
			seed := binary.LittleEndian.AppendUint32(h0[:len(h0):len(h0)], uint32(column))
			b := stretch(binary.LittleEndian.AppendUint32(seed, uint32(lane)), words*8)
			_, _ = binary.Decode(b, binary.LittleEndian, &memory[lane*s.length+column]) // it has a block's size
		}
	}
	for s.pass = range int(p.Passes) {
		for s.slice = range slices {
			for s.lane = range s.lanes {
				s.run()
			}
		}
	}
	last := &memory[len(memory)-1]
	for lane := range s.lanes - 1 {
		last.xor(&memory[(lane+1)*s.length-1])
	}
	b, _ := binary.Append(nil, binary.LittleEndian, last) // its size is fixed
	return stretch(b, size)
}

// stretch is H′ (3.3): BLAKE2b with as much output as is asked for.
func stretch(in []byte, size uint32) []byte {
	sum := func(size int, parts ...[]byte) []byte {
		h, err := blake2b.New(size, nil)
		if err != nil {
			panic(err) // a size of none
		}
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	prefix := binary.LittleEndian.AppendUint32(nil, size)
	if size <= blake2b.Size {
		return sum(int(size), prefix, in)
	}
	v := sum(blake2b.Size, prefix, in)
	out := make([]byte, 0, size)
	for int(size)-len(out) > blake2b.Size {
		out = append(out, v[:blake2b.Size/2]...)
		v = sum(min(blake2b.Size, int(size)-len(out)), v)
	}
	return append(out, v...)
}

func writeNumber(h hash.Hash, n uint32) {
	h.Write(binary.LittleEndian.AppendUint32(nil, n))
}

// segment is a slice of a lane in one pass.
type segment struct {
	memory            []block
	params            Params
	lanes, length     int // how many lanes, of how many blocks each
	pass, slice, lane int

	counter, pointers block // where pointers do not depend on the password
}

// run makes the segment's blocks, each of the one before it and of one that a
// pointer names. In the first half of the first pass pointers come from a
// counter, and no timing tells of the password; later they are the first word of
// the block before.
func (s *segment) run() {
	size := s.length / slices
	counted := s.pass == 0 && s.slice < slices/2
	s.counter = block{{{uint64(s.pass), uint64(s.lane)}, {uint64(s.slice), uint64(len(s.memory))}, {uint64(s.params.Passes), variant}}}
	first := 0
	if s.pass == 0 && s.slice == 0 {
		first = 2 // those that fill made
	}
	lane := s.memory[s.lane*s.length : (s.lane+1)*s.length]
	for i := first; i < size; i++ {
		column := s.slice*size + i
		before := &lane[(column+s.length-1)%s.length]
		pointer := before.word(0)
		if counted {
			if i == first || i%words == 0 {
				s.count()
			}
			pointer = s.pointers.word(i % words)
		}
		compress(&lane[column], before, s.reference(pointer, i), s.pass > 0)
	}
}

// count makes the next 128 pointers.
func (s *segment) count() {
	var zero block
	s.counter[0][3][0]++
	compress(&s.pointers, &s.counter, &zero, false)
	compress(&s.pointers, &s.pointers, &zero, false)
}

// reference is the block that a pointer names for the i-th of the segment (3.4):
// one of the last that are finished, in the own lane without the block before.
func (s *segment) reference(pointer uint64, i int) *block {
	size := s.length / slices
	lane := int(pointer>>32) % s.lanes
	if s.pass == 0 && s.slice == 0 {
		lane = s.lane
	}
	oldest, finished := (s.slice+1)%slices*size, (slices-1)*size
	if s.pass == 0 {
		oldest, finished = 0, s.slice*size
	}
	switch {
	case lane == s.lane:
		finished += i - 1
	case i == 0:
		finished--
	}
	near := pointer & 0xffffffff // squared, so that later ones are likelier
	back := int(uint64(finished) * (near * near >> 32) >> 32)
	return &s.memory[lane*s.length+(oldest+finished-1-back)%s.length]
}

// compress is G (3.5): x ⊕ y, ⊕ the permutation of it by rows and then columns;
// after the first pass ⊕ what was there.
//
// The race detector would look at each of its accesses, which takes twenty times as
// long, and there is nothing to be found: the memory is one derivation's.
//
//go:norace
func compress(out, x, y *block, again bool) {
	var z block
	for i := range z {
		x, y, z := &x[i], &y[i], &z[i]
		for j := range z {
			z[j][0] = x[j][0] ^ y[j][0]
			z[j][1] = x[j][1] ^ y[j][1]
		}
	}
	for i := range z {
		row := &z[i]
		permute(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[6], &row[7])
	}
	for i := range z {
		permute(&z[0][i], &z[1][i], &z[2][i], &z[3][i], &z[4][i], &z[5][i], &z[6][i], &z[7][i])
	}
	if again {
		z.xor(out)
	}
	for i := range z {
		out, x, y, z := &out[i], &x[i], &y[i], &z[i]
		for j := range z {
			out[j][0] = x[j][0] ^ y[j][0] ^ z[j][0]
			out[j][1] = x[j][1] ^ y[j][1] ^ z[j][1]
		}
	}
}

//go:norace
func (b *block) xor(other *block) {
	for i := range b {
		for j := range b[i] {
			b[i][j][0] ^= other[i][j][0]
			b[i][j][1] ^= other[i][j][1]
		}
	}
}

// permute is P (3.6): a round of BLAKE2b on sixteen words, the columns of which
// are mixed and then the diagonals. It has the time that a derivation takes:
// hence pointers, which fit the registers of a call, and four chains side by side.
//
//go:norace
func permute(r0, r1, r2, r3, r4, r5, r6, r7 *[2]uint64) {
	a0, a1, a2, a3 := r0[0], r0[1], r1[0], r1[1]
	b0, b1, b2, b3 := r2[0], r2[1], r3[0], r3[1]
	c0, c1, c2, c3 := r4[0], r4[1], r5[0], r5[1]
	d0, d1, d2, d3 := r6[0], r6[1], r7[0], r7[1]

	a0, b0, c0, d0 = mix(a0, b0, c0, d0, 32, 24)
	a1, b1, c1, d1 = mix(a1, b1, c1, d1, 32, 24)
	a2, b2, c2, d2 = mix(a2, b2, c2, d2, 32, 24)
	a3, b3, c3, d3 = mix(a3, b3, c3, d3, 32, 24)
	a0, b0, c0, d0 = mix(a0, b0, c0, d0, 16, 63)
	a1, b1, c1, d1 = mix(a1, b1, c1, d1, 16, 63)
	a2, b2, c2, d2 = mix(a2, b2, c2, d2, 16, 63)
	a3, b3, c3, d3 = mix(a3, b3, c3, d3, 16, 63)

	a0, b1, c2, d3 = mix(a0, b1, c2, d3, 32, 24)
	a1, b2, c3, d0 = mix(a1, b2, c3, d0, 32, 24)
	a2, b3, c0, d1 = mix(a2, b3, c0, d1, 32, 24)
	a3, b0, c1, d2 = mix(a3, b0, c1, d2, 32, 24)
	a0, b1, c2, d3 = mix(a0, b1, c2, d3, 16, 63)
	a1, b2, c3, d0 = mix(a1, b2, c3, d0, 16, 63)
	a2, b3, c0, d1 = mix(a2, b3, c0, d1, 16, 63)
	a3, b0, c1, d2 = mix(a3, b0, c1, d2, 16, 63)

	r0[0], r0[1], r1[0], r1[1] = a0, a1, a2, a3
	r2[0], r2[1], r3[0], r3[1] = b0, b1, b2, b3
	r4[0], r4[1], r5[0], r5[1] = c0, c1, c2, c3
	r6[0], r6[1], r7[0], r7[1] = d0, d1, d2, d3
}

// mix is half of GB: BLAKE2b's, with a product added to the sums.
func mix(a, b, c, d uint64, right1, right2 int) (uint64, uint64, uint64, uint64) {
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -right1)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -right2)
	return a, b, c, d
}
