package yupdate

// Parts are updates of about so many bytes at most that have the effect of this one
// when they are applied in their order. A content that Yjs cannot split stays whole.
func (u *Update) Parts(size int) (parts []*Update) {
	part, room := &Update{}, size
	flush := func() {
		if !part.Empty() {
			parts = append(parts, part)
		}
		part, room = &Update{}, size
	}
	for i := range u.runs {
		r := &u.runs[i]
		var blocks []block
		take := func() {
			if len(blocks) > 0 {
				part.runs = append(part.runs, run{r.client, blocks})
			}
			blocks = nil
		}
		for j := range r.blocks {
			for _, piece := range r.blocks[j].smaller(r.client, size) {
				n := 8 + len(piece.head) + len(piece.body)
				if n > room {
					take()
					flush()
				}
				blocks, room = append(blocks, piece), room-n
			}
		}
		take()
	}
	for _, gone := range u.deletes {
		for spans := gone.spans; len(spans) > 0; {
			const each = 12 // bytes at most, nearly always
			n := max(1, min(len(spans), room/each))
			part.deletes = append(part.deletes, ranges{gone.client, spans[:n]})
			if spans, room = spans[n:], room-n*each; room < each {
				flush()
			}
		}
	}
	flush()
	return parts
}

// smaller cuts a block with a text that is too large. A unit has four bytes at most.
func (b *block) smaller(client uint64, size int) []block {
	if b.content() != contentString || len(b.body) <= size {
		return []block{*b}
	}
	var cuts []uint64
	step := uint64(max(1, size/4))
	for at := b.clock + step; at < b.end(); at += step {
		cuts = append(cuts, at)
	}
	return b.pieces(client, cuts...)
}
