package yupdate

import "encoding/binary"

// Empty reports whether there is nothing in the update.
func (u *Update) Empty() bool { return len(u.runs) == 0 && len(u.deletes) == 0 }

// Encode writes the update.
func (u *Update) Encode() []byte {
	b := binary.AppendUvarint(make([]byte, 0, u.size()), uint64(len(u.runs)))
	for i := range u.runs {
		b = u.runs[i].append(b)
	}
	return appendDeletes(b, u.deletes)
}

// size is about how many bytes Encode writes.
func (u *Update) size() int {
	n := 16
	for i := range u.runs {
		n += 24
		for j := range u.runs[i].blocks {
			b := &u.runs[i].blocks[j]
			n += 6 + len(b.head) + len(b.body)
		}
	}
	for i := range u.deletes {
		n += 16 + 10*len(u.deletes[i].spans)
	}
	return n
}

// append writes a run, with a Skip for each hole.
func (r *run) append(dst []byte) []byte {
	first, n := r.blocks[0].clock, len(r.blocks)
	for i := 1; i < len(r.blocks); i++ {
		if r.blocks[i-1].end() != r.blocks[i].clock {
			n++
		}
	}
	for _, number := range []uint64{uint64(n), r.client, first} {
		dst = binary.AppendUvarint(dst, number)
	}
	at := first
	for i := range r.blocks {
		b := &r.blocks[i]
		if at < b.clock {
			dst = binary.AppendUvarint(append(dst, infoSkip), b.clock-at)
		}
		dst = append(append(dst, b.info), b.head...)
		if b.bare() {
			dst = binary.AppendUvarint(dst, b.length)
		} else {
			dst = append(dst, b.body...)
		}
		at = b.end()
	}
	return dst
}
