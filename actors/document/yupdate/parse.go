package yupdate

import (
	"cmp"
	"slices"
)

// Update is a parsed update.
type Update struct {
	runs    []run    // the highest client first
	deletes []ranges // the highest client first
}

// run is what a client wrote, by clock: without overlaps, and without Skips,
// since holes show by the clocks.
type run struct {
	client uint64
	blocks []block
}

func (r *run) end() uint64 { return r.blocks[len(r.blocks)-1].end() }

// Parse reads an update. Its slices are kept.
func Parse(b []byte, limits Limits) (*Update, error) {
	if len(b) > limits.Bytes {
		return nil, exceeds("bytes", uint64(limits.Bytes))
	}
	r := &reader{b: b, depth: limits.Depth}
	u := &Update{}
	clients, err := r.count(3)
	if err == nil && clients > limits.Clients {
		err = exceeds("clients", uint64(limits.Clients))
	}
	structs := 0
	for ; clients > 0 && err == nil; clients-- {
		err = u.parseRun(r, limits, &structs)
	}
	if err == nil {
		u.deletes, err = parseDeletes(r, limits)
	}
	if err == nil && r.left() > 0 {
		err = r.malformed("something follows the end")
	}
	if err != nil {
		return nil, err
	}
	u.arrange()
	return u, nil
}

func (u *Update) parseRun(r *reader, limits Limits, structs *int) error {
	n, err := r.count(2)
	if err != nil {
		return err
	}
	if *structs += n; *structs > limits.Structs {
		return exceeds("structs", uint64(limits.Structs))
	}
	one := run{}
	if one.client, err = r.uint(); err != nil {
		return err
	}
	clock, err := r.uint()
	if err != nil {
		return err
	}
	one.blocks = make([]block, 0, n)
	for ; n > 0; n-- {
		b, err := r.block(clock)
		if err != nil {
			return err
		}
		if clock += b.length; clock > limits.Clock {
			return exceeds("units of one client", limits.Clock)
		}
		if b.info != infoSkip {
			one.blocks = append(one.blocks, b)
		}
	}
	if len(one.blocks) > 0 {
		u.runs = append(u.runs, one)
	}
	return nil
}

// block reads one struct that begins at a clock.
func (r *reader) block(clock uint64) (b block, err error) {
	b.clock = clock
	if b.info, err = r.byte(); err != nil {
		return b, err
	}
	switch b.content() {
	case infoGC, infoSkip:
		if b.content() == infoSkip && b.info != infoSkip {
			return b, r.malformed("a struct is of an unknown kind")
		}
		b.info = b.content()
		b.length, err = r.uint()
		if err == nil && b.length == 0 && b.info != infoSkip {
			err = r.malformed("a struct is empty")
		}
		return b, err
	}
	start := r.at
	if err = r.head(b.info); err != nil {
		return b, err
	}
	b.head = r.b[start:r.at:r.at]
	start = r.at
	if b.length, err = r.content(b.content()); err != nil {
		return b, err
	}
	if b.length == 0 {
		return b, r.malformed("a struct is empty")
	}
	if !b.bare() {
		b.body = r.b[start:r.at:r.at]
	}
	return b, nil
}

// head passes over the place of an item: its neighbours, or else its parent.
func (r *reader) head(info byte) error {
	if info&(hasOrigin|hasRight) == 0 {
		return r.parent(info)
	}
	for _, field := range []byte{hasOrigin, hasRight} {
		if info&field != 0 {
			if err := r.id(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) id() error {
	if _, err := r.uint(); err != nil {
		return err
	}
	_, err := r.uint()
	return err
}

func (r *reader) parent(info byte) error {
	named, err := r.uint()
	switch {
	case err != nil:
		return err
	case named == 1:
		_, err = r.text()
	case named == 0:
		err = r.id()
	default:
		err = r.malformed("a parent is neither a name nor an item")
	}
	if err == nil && info&hasKey != 0 {
		_, err = r.text()
	}
	return err
}

// content passes over an item's content and tells its length in units.
func (r *reader) content(kind byte) (length uint64, err error) {
	switch kind {
	case contentDeleted:
		return r.uint()
	case contentJSON:
		return r.each(r.jsonOrUndefined)
	case contentBinary:
		_, err = r.bytes()
	case contentString:
		s, err := r.text()
		return units(s), err
	case contentEmbed:
		err = r.json()
	case contentFormat:
		if _, err = r.text(); err == nil {
			err = r.json()
		}
	case contentType:
		err = r.sharedType()
	case contentAny:
		return r.each(func() error { return r.any(0) })
	case contentDoc:
		if _, err = r.text(); err == nil {
			err = r.any(0)
		}
	default:
		err = r.malformed("an item's content is of an unknown kind")
	}
	return 1, err
}

func (r *reader) each(element func() error) (uint64, error) {
	n, err := r.count(1)
	for i := 0; i < n && err == nil; i++ {
		err = element()
	}
	return uint64(n), err
}

// jsonOrUndefined passes over an element of an older form.
func (r *reader) jsonOrUndefined() error {
	at := r.at
	s, err := r.text()
	if err != nil || string(s) == "undefined" {
		return err
	}
	r.at = at
	return r.json()
}

// Shared types that have a name.
const (
	typeXMLElement = 3
	typeXMLHook    = 5
	typeLast       = 6
)

func (r *reader) sharedType() error {
	kind, err := r.uint()
	switch {
	case err != nil:
		return err
	case kind == typeXMLElement || kind == typeXMLHook:
		_, err = r.text()
	case kind > typeLast:
		err = r.malformed("a shared type is unknown")
	}
	return err
}

// arrange brings the parts into order. Clients that stand in an update more than
// once become one.
func (u *Update) arrange() {
	slices.SortStableFunc(u.runs, func(a, b run) int { return cmp.Compare(b.client, a.client) })
	for i := 1; i < len(u.runs); i++ {
		if u.runs[i].client == u.runs[i-1].client {
			u.runs = join(u.runs)
			return
		}
	}
}
