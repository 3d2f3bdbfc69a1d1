package yupdate

import "encoding/binary"

// Empty reports whether there is nothing in the update.
func (u *Update) Empty() bool { return len(u.runs) == 0 && len(u.deletes) == 0 }

// Encode writes the update.
func (u *Update) Encode() []byte { return u.Append(make([]byte, 0, u.size())) }

// size is about how many bytes Append writes.
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

// Append writes the update behind dst.
func (u *Update) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(u.runs)))
	for i := range u.runs {
		dst = u.runs[i].append(dst)
	}
	return appendDeletes(dst, u.deletes)
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
