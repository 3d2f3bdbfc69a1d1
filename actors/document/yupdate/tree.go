package yupdate

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// tree is a document as Yjs builds it from an update: its items in lists, in the
// order that all who have them agree on (Yjs: structs/Item.js, integrate).
type tree struct {
	clients map[uint64][]*node // by clock, without a hole from 0 on
	roots   map[string]*list
	budget  int // of steps; what conflicts a lot takes many
	stamp   int // of the set under way, for node.before and node.conflict
}

// node is an item, or a part of one: nothing refers to a place within it.
type node struct {
	block
	client      uint64
	state       state
	deleted     bool // by itself; see alive
	living      life
	list        *list
	key         string // in a map
	keyed       bool
	left, right *node
	inner       *list // of a shared type
	before      int   // set that it is in
	conflict    int
}

// list is a shared type: a sequence, and the last item of each key.
type list struct {
	owner *node // nil: a root
	start *node
	last  map[string]*node
}

type state byte

const (
	unseen state = iota
	visiting
	placed
	gone   // its place is not known any more
	absent // something that it depends on is missing
)

type life byte

const (
	unknown life = iota
	living
	dead
)

// maxSteps bounds the work for one tree, and maxNested how deep types are within
// types.
const (
	maxSteps  = 50_000_000
	maxNested = 500
)

var errComplicated = fmt.Errorf("%w: it is too complicated to be restored", ErrLimit)

// cuts are the clocks at which items begin, end or are referred to.
type cuts map[uint64][]uint64

func (c cuts) add(client, clock uint64) { c[client] = append(c[client], clock) }

func (c cuts) collect(u *Update) {
	for i := range u.runs {
		r := &u.runs[i]
		for j := range r.blocks {
			b := &r.blocks[j]
			c.add(r.client, b.clock)
			c.add(r.client, b.end())
			if client, clock, ok := b.origin(); ok {
				c.add(client, clock+1)
			}
			if client, clock, ok := b.rightID(); ok {
				c.add(client, clock)
			}
		}
	}
	for _, gone := range u.deletes {
		for _, s := range gone.spans {
			c.add(gone.client, s.from)
			c.add(gone.client, s.to)
		}
	}
}

func (c cuts) sort() {
	for client, clocks := range c {
		slices.Sort(clocks)
		c[client] = slices.Compact(clocks)
	}
}

// within are the cuts inside of a block.
func within(clocks []uint64, b *block) []uint64 {
	from := sort.Search(len(clocks), func(i int) bool { return clocks[i] > b.clock })
	to := sort.Search(len(clocks), func(i int) bool { return clocks[i] >= b.end() })
	return clocks[from:max(from, to)]
}

// rightID is the unit that the item was written before.
func (b *block) rightID() (client, clock uint64, ok bool) {
	if !b.item() || b.info&hasRight == 0 {
		return 0, 0, false
	}
	right := b.rightOrigin()
	client, n := binary.Uvarint(right)
	clock, _ = binary.Uvarint(right[n:])
	return client, clock, true
}

// grow builds the tree of an update whose items are cut at these clocks.
func grow(u *Update, at cuts) (*tree, error) {
	t := &tree{clients: make(map[uint64][]*node, len(u.runs)), roots: make(map[string]*list), budget: maxSteps}
	for i := range u.runs {
		r := &u.runs[i]
		t.clients[r.client] = nodes(r, at[r.client], rangesOf(u.deletes, r.client))
	}
	for i := range u.runs {
		for j, n := range t.clients[u.runs[i].client] {
			if err := t.place(n, j); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// nodes are the items of a client up to the first hole.
func nodes(r *run, clocks []uint64, deleted []span) (all []*node) {
	var end uint64
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.clock != end {
			break
		}
		end = b.end()
		for _, piece := range b.pieces(r.client, within(clocks, b)...) {
			n := &node{block: piece, client: r.client}
			first := after(deleted, n.clock)
			n.deleted = n.content() == contentDeleted || first < len(deleted) && deleted[first].from <= n.clock
			all = append(all, n)
		}
	}
	return all
}

// index is the number of the node that a unit is in, among those of its client.
func (t *tree) index(client, clock uint64) (number int, there bool) {
	all := t.clients[client]
	number = sort.Search(len(all), func(i int) bool { return all[i].end() > clock })
	return number, number < len(all)
}

// find is the node that a unit is in; nil: there is none.
func (t *tree) find(client, clock uint64) *node {
	if i, there := t.index(client, clock); there {
		return t.clients[client][i]
	}
	return nil
}

// pendant is a node on its way, and its number among those of its client.
type pendant struct {
	*node
	number int
}

// place puts a node into its list, after all that it depends on.
func (t *tree) place(n *node, number int) error {
	stack := []pendant{{n, number}}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		if top.state >= placed {
			stack = stack[:len(stack)-1]
			continue
		}
		again := top.state == visiting
		top.state = visiting
		needs, missing := t.needs(top)
		waits := false
		for _, need := range needs {
			if t.budget--; t.budget < 0 {
				return errComplicated
			}
			switch {
			case need.state == absent:
				missing = true
			case need.state == unseen && !again:
				stack, waits = append(stack, need), true
			case need.state < placed:
				missing = true // in a circle
			}
		}
		switch {
		case missing:
			top.state = absent
		case !waits:
			top.state = placed
			if err := t.integrate(top.node); err != nil {
				return err
			}
		}
	}
	return nil
}

// needs are the nodes that must be placed first.
func (t *tree) needs(n pendant) (needs []pendant, missing bool) {
	add := func(client, clock uint64) {
		i, there := t.index(client, clock)
		if !there {
			missing = true
			return
		}
		needs = append(needs, pendant{t.clients[client][i], i})
	}
	if n.number > 0 {
		needs = append(needs, pendant{t.clients[n.client][n.number-1], n.number - 1})
	}
	if !n.item() {
		return needs, false
	}
	if client, clock, ok := n.origin(); ok {
		add(client, clock)
	}
	if client, clock, ok := n.rightID(); ok {
		add(client, clock)
	}
	if _, client, clock, _, ok := n.parent(); ok && client != noClient {
		add(client, clock)
	}
	return needs, missing
}

// noClient stands for a root where an item could be.
const noClient = maxInteger + 1

// parent is the shared type that an item without neighbours is in: a root by its
// name, or an item, and the key there.
func (b *block) parent() (name string, client, clock uint64, key string, ok bool) {
	if !b.item() || b.info&(hasOrigin|hasRight) != 0 {
		return "", 0, 0, "", false
	}
	r := reader{b: b.head}
	client = noClient
	if named, _ := r.uint(); named == 1 {
		text, _ := r.text()
		name = string(text)
	} else {
		client, _ = r.uint()
		clock, _ = r.uint()
	}
	if b.info&hasKey != 0 {
		text, _ := r.text()
		key = string(text)
	}
	return name, client, clock, key, true
}

// belong finds the list of a node, and its neighbours as they were when it was
// written. Without a list it is gone.
func (t *tree) belong(n *node) (left, right *node, ok bool) {
	if client, clock, has := n.origin(); has {
		if left = t.find(client, clock); left.state != placed {
			return nil, nil, false
		}
		n.list, n.key, n.keyed = left.list, left.key, left.keyed
	}
	if client, clock, has := n.rightID(); has {
		if right = t.find(client, clock); right.state != placed {
			return nil, nil, false
		}
		if left == nil {
			n.list, n.key, n.keyed = right.list, right.key, right.keyed
		}
	}
	if name, client, clock, key, has := n.parent(); has {
		n.key, n.keyed = key, n.info&hasKey != 0
		if client == noClient {
			n.list = t.root(name)
		} else if owner := t.find(client, clock); owner.state == placed {
			n.list = owner.inner
		}
	}
	return left, right, n.list != nil
}

func (t *tree) root(name string) *list {
	l := t.roots[name]
	if l == nil {
		l = &list{last: make(map[string]*node)}
		t.roots[name] = l
	}
	return l
}

// front is the first item of the list that a node is in.
func (t *tree) front(n *node) *node {
	if !n.keyed {
		return n.list.start
	}
	o := n.list.last[n.key]
	for o != nil && o.left != nil && t.budget > 0 {
		t.budget--
		o = o.left
	}
	return o
}

// integrate puts a node between its neighbours. Where others were written there
// at the same time, the order is that of YATA (Nicolaescu, Jahns et al., Near
// real-time peer-to-peer shared editing on extensible data types, 2016).
func (t *tree) integrate(n *node) error {
	left, right, ok := t.belong(n)
	if !n.item() || !ok {
		n.state = gone
		return nil
	}
	if left == nil && (right == nil || right.left != nil) || left != nil && left.right != right {
		var err error
		if left, err = t.among(n, left, right); err != nil {
			return err
		}
	}
	n.left = left
	if left != nil {
		n.right, left.right = left.right, n
	} else {
		n.right = t.front(n)
		if !n.keyed {
			n.list.start = n
		}
	}
	if n.right != nil {
		n.right.left = n
		n.deleted = n.deleted || n.keyed
	} else if n.keyed {
		n.list.last[n.key] = n
		if left != nil {
			left.deleted = true
		}
	}
	if n.content() == contentType {
		n.inner = &list{owner: n, last: make(map[string]*node)}
	}
	return nil
}

// among finds the left neighbour of a node among those that conflict with it.
func (t *tree) among(n, left, right *node) (*node, error) {
	o := t.front(n)
	if left != nil {
		o = left.right
	}
	t.stamp += 2
	before, conflict := t.stamp, t.stamp
	for ; o != nil && o != right; o = o.right {
		if t.budget--; t.budget < 0 {
			return nil, errComplicated
		}
		o.before, o.conflict = before, conflict
		client, clock, has := n.origin()
		otherClient, otherClock, otherHas := o.origin()
		if has == otherHas && client == otherClient && clock == otherClock {
			if o.client < n.client {
				left = o
				t.stamp++
				conflict = t.stamp
				continue
			}
			if sameRight(n, o) {
				break
			}
			continue
		}
		if !otherHas {
			break
		}
		of := t.find(otherClient, otherClock)
		if of == nil || of.before != before {
			break
		}
		if of.conflict != conflict {
			left = o
			t.stamp++
			conflict = t.stamp
		}
	}
	return left, nil
}

func sameRight(a, b *node) bool {
	client, clock, has := a.rightID()
	otherClient, otherClock, otherHas := b.rightID()
	return has == otherHas && client == otherClient && clock == otherClock
}

// alive reports whether a node is shown: neither it nor a type that it is in is
// deleted.
func (n *node) alive() bool {
	if n == nil || n.state != placed {
		return false
	}
	var path []*node
	result := living
	for at := n; at != nil; at = at.list.owner {
		if at.living != unknown {
			result = at.living
			break
		}
		path = append(path, at)
		if at.deleted {
			result = dead
			break
		}
	}
	for _, at := range slices.Backward(path) {
		if at.deleted {
			result = dead
		}
		at.living = result
	}
	return n.living == living
}
