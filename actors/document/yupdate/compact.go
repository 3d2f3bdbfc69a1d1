package yupdate

import (
	"bytes"
	"encoding/binary"
)

// Compact is an update with the same effect on documents that collect garbage,
// as they do unless they are told not to: deleted contents become their length
// (Yjs: Item.gc), and items that follow each other as if they had been written at
// once become one, which Yjs undoes where it needs to (splitItem). All ids stay,
// so that relative positions and later updates find what they refer to.
func (u *Update) Compact() *Update {
	out := &Update{runs: make([]run, 0, len(u.runs)), deletes: u.deletes}
	for i := range u.runs {
		r := &u.runs[i]
		out.runs = append(out.runs, run{client: r.client, blocks: weld(r.client, hollow(r, rangesOf(u.deletes, r.client)))})
	}
	return out
}

// hollow splits items where deleted ranges begin and end, and takes out the
// contents of those that are deleted.
func hollow(r *run, deleted []span) []block {
	out := make([]block, 0, len(r.blocks))
	for i := range r.blocks {
		b := &r.blocks[i]
		first := after(deleted, b.clock)
		if b.bare() || first == len(deleted) || deleted[first].from >= b.end() {
			out = append(out, *b)
			continue
		}
		var cuts []uint64
		for _, d := range deleted[first:] {
			if d.from >= b.end() {
				break
			}
			if d.from > b.clock {
				cuts = append(cuts, d.from)
			}
			if d.to < b.end() {
				cuts = append(cuts, d.to)
			}
		}
		gone := deleted[first].from <= b.clock
		for _, piece := range b.pieces(r.client, cuts...) {
			if gone {
				piece.info, piece.body = piece.info&^maskContent|contentDeleted, nil
			}
			out = append(out, piece)
			gone = !gone
		}
	}
	return out
}

// weld makes one block of several wherever it can.
func weld(client uint64, blocks []block) []block {
	out := blocks[:0]
	for i := 0; i < len(blocks); {
		j := i + 1
		for j < len(blocks) && continues(client, &blocks[j-1], &blocks[j]) {
			j++
		}
		b := blocks[i]
		if j > i+1 {
			b.body = together(blocks[i:j])
			b.length = blocks[j-1].end() - b.clock
		}
		out = append(out, b)
		i = j
	}
	return out
}

// continues reports whether b is what splitting would make of a longer a.
func continues(client uint64, a, b *block) bool {
	if a.end() != b.clock || a.content() != b.content() {
		return false
	}
	switch a.content() {
	case infoGC:
		return true
	case contentDeleted, contentString, contentAny, contentJSON:
	default:
		return false
	}
	of, clock, ok := b.origin()
	return ok && of == client && clock == a.end()-1 && (a.info^b.info)&hasRight == 0 && bytes.Equal(a.rightOrigin(), b.rightOrigin())
}

// together are the contents of several blocks as one.
func together(blocks []block) []byte {
	if blocks[0].bare() {
		return nil
	}
	n, size := uint64(0), 0
	for i := range blocks {
		count, prefix := binary.Uvarint(blocks[i].body)
		n, size = n+count, size+len(blocks[i].body)-prefix
	}
	body := binary.AppendUvarint(make([]byte, 0, size+5), n)
	for i := range blocks {
		_, prefix := binary.Uvarint(blocks[i].body)
		body = append(body, blocks[i].body[prefix:]...)
	}
	return body
}
