package yupdate

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// Restore is an update that makes a document show what an earlier version of it
// showed. It is a change like others: what was written since is deleted, what was
// deleted since is written again, next to where it was, by a client that has
// written nothing yet, and what is in both stays, so that cursors and comments in
// it do too. Where both show the same already it is empty.
//
// The client's number should be chosen at random. Restore fails, by ErrLimit,
// where the two conflict or nest beyond reason.
func Restore(current, version *Update, client uint64) (*Update, error) {
	at := make(cuts)
	at.collect(current)
	at.collect(version)
	at.sort()
	now, err := grow(current, at)
	if err != nil {
		return nil, err
	}
	then, err := grow(version, at)
	if err != nil {
		return nil, err
	}
	if same, err := equal(now, then); same || err != nil {
		return &Update{}, err
	}
	r := &restoration{now: now, client: client}
	for _, name := range slices.Sorted(maps.Keys(then.roots)) {
		if err := r.sync(then.roots[name], now.root(name), rootHead(name), 0); err != nil {
			return nil, err
		}
	}
	out := &Update{deletes: normal(superfluous(now, then))}
	if len(r.blocks) > 0 {
		out.runs = []run{{client: client, blocks: weld(client, r.blocks)}}
	}
	return out, nil
}

func equal(now, then *tree) (bool, error) {
	a, err := now.show()
	if err != nil {
		return false, err
	}
	b, err := then.show()
	return bytes.Equal(a, b), err
}

// superfluous are the nodes that show now and did not then.
func superfluous(now, then *tree) (all []ranges) {
	for client, nodes := range now.clients {
		var spans []span
		for _, n := range nodes {
			if n.alive() && !then.find(client, n.clock).alive() {
				spans = append(spans, span{n.clock, n.end()})
			}
		}
		if len(spans) > 0 {
			all = append(all, ranges{client, spans})
		}
	}
	return all
}

// restoration writes what is missing now.
type restoration struct {
	now    *tree
	client uint64
	clock  uint64
	last   uint64 // unit of the node that was copied last
	blocks []block
}

// location is where a copy goes: the fields before its content.
type location struct {
	info byte
	head []byte
}

func rootHead(name string) []byte {
	return append(binary.AppendUvarint([]byte{1}, uint64(len(name))), name...)
}

func idHead(client, clock uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, client), clock)
}

func typeHead(client, clock uint64) []byte { return append([]byte{0}, idHead(client, clock)...) }

// inFront is the place in a list that has nothing else, or whatever is in it.
func inFront(parent []byte) location { return location{0, parent} }

func withKey(parent []byte, key string) location {
	head := binary.AppendUvarint(slices.Clone(parent), uint64(len(key)))
	return location{hasKey, append(head, key...)}
}

// behind is the place right behind a node, or, where that is not its right
// neighbour's any more, as near as it gets.
func behind(n *node) location {
	to := location{hasOrigin, idHead(n.client, n.end()-1)}
	if n.right != nil {
		to.info |= hasRight
		to.head = append(to.head, idHead(n.right.client, n.right.clock)...)
	}
	return to
}

// sync writes into a list what it showed then and does not now.
func (r *restoration) sync(then, now *list, parent []byte, depth int) error {
	if depth > maxNested {
		return errComplicated
	}
	last := inFront(parent) // behind what came last
	for n := then.start; n != nil; n = n.right {
		if !n.alive() {
			continue
		}
		m := r.now.find(n.client, n.clock)
		to := last
		if m != nil && m.state == placed && m.list == now {
			to = behind(m)
		}
		if err := r.node(n, m, to, depth); err != nil {
			return err
		}
		if m.alive() {
			last = location{hasOrigin, idHead(m.client, m.end()-1)}
		} else {
			last = location{hasOrigin, idHead(r.client, r.last)}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(then.last)) {
		n := then.last[key]
		if !n.alive() {
			continue
		}
		to := withKey(parent, key)
		if tail := now.last[key]; tail != nil {
			to = location{hasOrigin | hasKey, idHead(tail.client, tail.end()-1)}
		}
		if err := r.node(n, r.now.find(n.client, n.clock), to, depth); err != nil {
			return err
		}
	}
	return nil
}

// node goes on within a node that shows in both, and copies one that does not show
// now.
func (r *restoration) node(then, now *node, to location, depth int) error {
	if !now.alive() {
		return r.copy(then, to, depth)
	}
	if then.inner == nil || now.inner == nil {
		return nil
	}
	return r.sync(then.inner, now.inner, typeHead(now.client, now.clock), depth+1)
}

// copy writes a node anew, with all that is in it.
func (r *restoration) copy(n *node, to location, depth int) error {
	if depth > maxNested {
		return errComplicated
	}
	at := r.clock
	r.blocks = append(r.blocks, block{clock: at, length: n.length, head: to.head, body: n.body, info: to.info | n.content()})
	r.clock += n.length
	if n.inner != nil {
		parent := typeHead(r.client, at)
		next := inFront(parent)
		for child := n.inner.start; child != nil; child = child.right {
			if !child.alive() {
				continue
			}
			if err := r.copy(child, next, depth+1); err != nil {
				return err
			}
			next = location{hasOrigin, idHead(r.client, r.last)}
		}
		for _, key := range slices.Sorted(maps.Keys(n.inner.last)) {
			if child := n.inner.last[key]; child.alive() {
				if err := r.copy(child, withKey(parent, key), depth+1); err != nil {
					return err
				}
			}
		}
	}
	r.last = at + n.length - 1
	return nil
}
