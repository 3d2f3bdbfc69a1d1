package cluster

import (
	"hash/fnv"
	"slices"
	"time"
)

// Node is a member of the cluster.
type Node struct {
	Name     string    // stable over restarts
	Address  string    // host:port of its transport
	Started  time.Time // of this incarnation
	Draining bool      // it owns nothing any more
	Unmet    bool      // it has not answered a call of this node's yet: it owns nothing
}

// View is who is in the cluster, as one node sees it.
type View struct {
	Self  string // this node's name
	Nodes []Node // by name, this one included
}

// Node finds a member by name.
func (v View) Node(name string) (Node, bool) {
	for _, n := range v.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Node{}, false
}

// Owner is the node that an entity belongs on: the one with the highest score of
// name, kind and id together (rendezvous hashing, Thaler and Ravishankar 1998), so
// that a node that comes or goes moves only what is its own. Nodes that drain own
// nothing, unless all do; the unmet never do.
func (v View) Owner(kind, id string) (owner Node, ok bool) {
	var best uint64
	for _, n := range v.Nodes {
		if n.Unmet {
			continue
		}
		s := score(n.Name, kind, id)
		better := !ok || s > best || s == best && n.Name > owner.Name
		if ok && n.Draining != owner.Draining {
			better = owner.Draining
		}
		if better {
			owner, best, ok = n, s, true
		}
	}
	return owner, ok
}

// SameOwners reports whether everything belongs where it does by another view.
func (v View) SameOwners(as View) bool { return slices.Equal(v.owners(), as.owners()) }

// owners are the nodes that Owner chooses from, and what it looks at.
func (v View) owners() (all []Node) {
	for _, n := range v.Nodes {
		if !n.Unmet {
			all = append(all, Node{Name: n.Name, Draining: n.Draining})
		}
	}
	return all
}

// score mixes the hash once more, since FNV alone spreads names that differ in
// their last byte badly (finaliser of MurmurHash3 by Appleby).
func score(node, kind, id string) uint64 {
	h := fnv.New64a()
	for _, part := range [...]string{node, kind, id} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
