package yupdate

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"sort"
)

// Vector is a state vector: how many units of each client somebody has.
type Vector map[uint64]uint64

// ParseVector reads a state vector.
func ParseVector(b []byte, limits Limits) (Vector, error) {
	if len(b) > limits.Bytes {
		return nil, exceeds("bytes", uint64(limits.Bytes))
	}
	r := &reader{b: b}
	n, err := r.count(2)
	if err != nil {
		return nil, err
	}
	if n > limits.Clients {
		return nil, exceeds("clients", uint64(limits.Clients))
	}
	v := make(Vector, n)
	for ; n > 0; n-- {
		client, err := r.uint()
		if err != nil {
			return nil, err
		}
		if v[client], err = r.uint(); err != nil {
			return nil, err
		}
	}
	if r.left() > 0 {
		return nil, r.malformed("something follows the end")
	}
	return v, nil
}

// Encode writes the state vector, the highest client first.
func (v Vector) Encode() []byte {
	dst := binary.AppendUvarint(make([]byte, 0, 2+10*len(v)), uint64(len(v)))
	for _, client := range slices.SortedFunc(maps.Keys(v), func(a, b uint64) int { return cmp.Compare(b, a) }) {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, client), v[client])
	}
	return dst
}

// Vector is the state vector of whoever has this update alone: of each client
// what reaches from the beginning to the first hole.
func (u *Update) Vector() Vector {
	v := make(Vector, len(u.runs))
	for i := range u.runs {
		var end uint64
		for j := range u.runs[i].blocks {
			b := &u.runs[i].blocks[j]
			if b.clock != end {
				break
			}
			end = b.end()
		}
		if end > 0 {
			v[u.runs[i].client] = end
		}
	}
	return v
}

// Diff is what somebody with that state vector lacks. Deleted ranges have no
// clocks, so all of them are in it.
func (u *Update) Diff(v Vector) *Update {
	d := &Update{deletes: u.deletes, runs: make([]run, 0, len(u.runs))}
	for i := range u.runs {
		if one := u.runs[i].since(v[u.runs[i].client]); len(one.blocks) > 0 {
			d.runs = append(d.runs, one)
		}
	}
	return d
}

// since is the part of a run after a clock.
func (r *run) since(clock uint64) run {
	first := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].end() > clock })
	blocks := r.blocks[first:]
	if len(blocks) > 0 && blocks[0].clock < clock {
		blocks = slices.Clone(blocks)
		blocks[0] = blocks[0].from(r.client, clock)
	}
	return run{client: r.client, blocks: blocks}
}
