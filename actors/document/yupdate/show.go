package yupdate

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// Marks in what a tree shows: neither begins a character of UTF-8 or a value.
const (
	markContent = 0xff
	markEnd     = 0xfe
)

// show writes down what a document shows, whoever wrote it in however many pieces:
// equal documents show the same.
func (t *tree) show() ([]byte, error) {
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(t.roots)) {
		inner, err := t.roots[name].show(nil, 0)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(inner, []byte{markEnd}) { // a root that nothing is in need not be there
			all = append(append(append(all, name...), markContent), inner...)
		}
	}
	return all, nil
}

func (l *list) show(dst []byte, depth int) (_ []byte, err error) {
	if depth > maxNested {
		return nil, errComplicated
	}
	var kind byte
	for n := l.start; n != nil; n = n.right {
		if n.alive() {
			if dst, err = n.show(dst, &kind, depth); err != nil {
				return nil, err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.last)) {
		if n := l.last[key]; n.alive() {
			kind = 0
			dst = append(append(dst, markEnd), key...)
			if dst, err = n.show(dst, &kind, depth); err != nil {
				return nil, err
			}
		}
	}
	return append(dst, markEnd), nil
}

// show writes a node. What can be written in pieces goes on where one of its kind
// came before.
func (n *node) show(dst []byte, kind *byte, depth int) ([]byte, error) {
	content := n.content()
	switch content {
	case contentString, contentAny, contentJSON:
		if *kind != content {
			dst = append(dst, markContent, content)
		}
		_, prefix := binary.Uvarint(n.body)
		dst = append(dst, n.body[prefix:]...)
	default:
		dst = append(dst, markContent, content)
		dst = append(binary.AppendUvarint(dst, uint64(len(n.body))), n.body...)
	}
	*kind = content
	if n.inner == nil {
		return dst, nil
	}
	return n.inner.show(dst, depth+1)
}
