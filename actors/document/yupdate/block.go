package yupdate

import "encoding/binary"

// Info bytes of structs: what kind of content, and which fields precede it.
const (
	infoGC   = 0  // an item of which only the place is known
	infoSkip = 10 // a hole

	contentDeleted = 1
	contentJSON    = 2
	contentBinary  = 3
	contentString  = 4
	contentEmbed   = 5
	contentFormat  = 6
	contentType    = 7
	contentAny     = 8
	contentDoc     = 9

	maskContent = 0x1f
	hasKey      = 0x20 // parentSub; written only where the parent is
	hasRight    = 0x40 // rightOrigin
	hasOrigin   = 0x80
)

// block is one struct. Head and body are as on the wire: the head is what
// stands between info and content, the body the content, which GCs, Skips and
// deleted items do without, since their length says it all.
type block struct {
	clock  uint64
	length uint64 // at least 1
	head   []byte
	body   []byte
	info   byte
}

func (b *block) end() uint64   { return b.clock + b.length }
func (b *block) content() byte { return b.info & maskContent }
func (b *block) item() bool    { return b.content() != infoGC && b.info != infoSkip }

// bare tells whether the length is all there is of the content.
func (b *block) bare() bool {
	switch b.content() {
	case infoGC, infoSkip, contentDeleted:
		return true
	}
	return false
}

// from is the part of the block from a clock within it: what Yjs makes of
// an item that it splits, whose origin is the unit before.
func (b *block) from(client, clock uint64) block {
	if clock == b.clock {
		return *b
	}
	return b.pieces(client, clock)[1]
}

// pieces cuts the block at ascending clocks within it. The work is that of
// reading its content once, however many there are.
func (b *block) pieces(client uint64, cuts ...uint64) []block {
	if len(cuts) == 0 {
		return []block{*b} // what has one unit only has other contents too
	}
	out := make([]block, 0, len(cuts)+1)
	rest := contents(b)
	from := b.clock
	for i := 0; i <= len(cuts); i++ {
		to := b.end()
		if i < len(cuts) {
			to = cuts[i]
		}
		piece := block{clock: from, length: to - from, info: b.info, head: b.head}
		if from > b.clock && b.item() {
			piece.info |= hasOrigin
			piece.head = binary.AppendUvarint(binary.AppendUvarint(make([]byte, 0, len(b.head)+10), client), from-1)
			piece.head = append(piece.head, b.rightOrigin()...)
		}
		if !b.bare() {
			piece.body = rest.take(piece.length)
		}
		out = append(out, piece)
		from = to
	}
	return out
}

// cursor takes an item's content from its front.
type cursor struct {
	reader
	text   bool
	any    bool
	halved bool // the second half of a character comes next
}

func contents(b *block) cursor {
	c := cursor{reader: reader{b: b.body, depth: 1 << 30}, text: b.content() == contentString, any: b.content() == contentAny}
	if !b.bare() {
		_, _ = c.uint() // it was parsed before
	}
	return c
}

// take is a content of the next n units, of which there are so many.
func (c *cursor) take(n uint64) []byte {
	if c.text {
		return c.takeText(n)
	}
	start := c.at
	for range n {
		if c.any {
			_ = c.reader.any(0)
		} else {
			_, _ = c.bytes()
		}
	}
	return append(binary.AppendUvarint(make([]byte, 0, c.at-start+5), n), c.b[start:c.at]...)
}

// replacement stands for each half of a character of two UTF-16 units that is
// cut in two, as it does in Yjs.
const replacement = "\uFFFD"

func (c *cursor) takeText(n uint64) []byte {
	var before, after string
	if c.halved {
		before = replacement
		n--
	}
	start := c.at
	at, halved := offset(c.b[start:], n)
	c.at, c.halved = start+at, halved
	if halved {
		after = replacement
		size, _ := character(c.b[c.at])
		defer func() { c.at += size }()
	}
	text := c.b[start : start+at]
	body := binary.AppendUvarint(make([]byte, 0, len(text)+11), uint64(len(before)+len(text)+len(after)))
	return append(append(append(body, before...), text...), after...)
}

// offset is where the n-th UTF-16 unit of a text begins, and whether that is
// the second half of the character at that place.
func offset(s []byte, n uint64) (at int, halved bool) {
	for n > 0 && at < len(s) {
		size, units := character(s[at])
		if units > n {
			return at, true
		}
		n -= units
		at += size
	}
	return at, false
}

// character tells by its first byte how many bytes one of valid UTF-8 has, and
// how many UTF-16 units.
func character(first byte) (size int, units uint64) {
	switch {
	case first < 0x80:
		return 1, 1
	case first < 0xe0:
		return 2, 1
	case first < 0xf0:
		return 3, 1
	}
	return 4, 2
}

// units is the length of a text in UTF-16.
func units(s []byte) (n uint64) {
	for at := 0; at < len(s); {
		size, u := character(s[at])
		at, n = at+size, n+u
	}
	return n
}

// origin is the unit that the item was written after.
func (b *block) origin() (client, clock uint64, ok bool) {
	if b.info&hasOrigin == 0 || !b.item() {
		return 0, 0, false
	}
	client, n := binary.Uvarint(b.head)
	clock, _ = binary.Uvarint(b.head[n:])
	return client, clock, true
}

// rightOrigin is the unit that the item was written before, as on the wire.
func (b *block) rightOrigin() []byte {
	switch {
	case b.info&hasRight == 0:
		return nil
	case b.info&hasOrigin == 0:
		return b.head
	}
	_, n := binary.Uvarint(b.head)
	_, m := binary.Uvarint(b.head[n:])
	return b.head[n+m:]
}
