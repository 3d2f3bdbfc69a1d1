package cluster

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// lostFor is how long a member that vanished without a word is looked for.
const lostFor = time.Hour

// members is what the gossip has told. memberlist's callbacks write it while
// they hold its lock, so nothing here waits or calls back. Its own list is of no
// use: it goes on writing the nodes that it has handed out.
type members struct {
	self   string        // this incarnation, as memberlist names it
	name   string        // of this node
	signal chan struct{} // something may have changed

	mu    sync.Mutex
	known map[string]member // by incarnation
	lost  map[string]lost   // by node: it vanished and has not come back
}

type member struct {
	Node
	gossip string // host:port
}

type lost struct {
	gossip string
	since  time.Time
}

func newMembers(self Node) *members {
	self = plain(self)
	m := &members{self: incarnation(self), name: self.Name, signal: make(chan struct{}, 1), lost: map[string]lost{}}
	m.known = map[string]member{m.self: {Node: self}}
	return m
}

// incarnation is memberlist's name for a node. A restart makes a new member
// there, so that nothing said about the last incarnation can hit this one.
func incarnation(n Node) string { return n.Name + "/" + strconv.FormatInt(n.Started.UnixNano(), 10) }

// plain gives a node's start the form that arrives with the gossip, so that
// nodes can be compared.
func plain(n Node) Node {
	n.Started = time.Unix(0, n.Started.UnixNano()).UTC()
	return n
}

// NotifyJoin is memberlist's callback.
func (m *members) NotifyJoin(n *memberlist.Node) { m.put(n) }

// NotifyUpdate is memberlist's callback.
func (m *members) NotifyUpdate(n *memberlist.Node) { m.put(n) }

// NotifyLeave is memberlist's callback, for members that left and for those
// that are taken for dead; it does not say which. One that leaves drains first.
func (m *members) NotifyLeave(n *memberlist.Node) {
	if n.Name == m.self {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	gone, ok := m.known[n.Name]
	if !ok {
		return
	}
	delete(m.known, n.Name)
	if !gone.Draining && !m.has(gone.Name) {
		m.lost[gone.Name] = lost{gossip: gone.gossip, since: time.Now()}
	}
	m.changed()
}

func (m *members) put(n *memberlist.Node) {
	a, err := readAnnouncement(n.Meta)
	if err != nil {
		return // NotifyAlive has refused it
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[n.Name] = member{Node: a.node(), gossip: n.Address()}
	delete(m.lost, a.Name)
	m.changed()
}

// at reports whether a member with this gossip address is known.
func (m *members) at(address string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.known {
		if k.gossip == address {
			return true
		}
	}
	return false
}

func (m *members) has(name string) bool { // under mu
	for _, k := range m.known {
		if k.Name == name {
			return true
		}
	}
	return false
}

func (m *members) changed() {
	select {
	case m.signal <- struct{}{}:
	default: // a signal waits already
	}
}

// view has the newest incarnation of each node that is known.
func (m *members) view() View {
	newest := map[string]Node{}
	m.mu.Lock()
	for _, k := range m.known {
		if other, ok := newest[k.Name]; !ok || k.Started.After(other.Started) {
			newest[k.Name] = k.Node
		}
	}
	m.mu.Unlock()
	v := View{Self: m.name}
	for _, n := range newest {
		v.Nodes = append(v.Nodes, n)
	}
	slices.SortFunc(v.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// missing are the addresses, of those given and of lost members, at which no
// member is known.
func (m *members) missing(addresses []string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, l := range m.lost {
		if time.Since(l.since) > lostFor {
			delete(m.lost, name)
			continue
		}
		addresses = append(addresses, l.gossip)
	}
	present := map[string]bool{}
	for _, k := range m.known {
		present[k.gossip] = true
	}
	var missing []string
	for _, a := range addresses {
		if !present[a] {
			present[a] = true // once
			missing = append(missing, a)
		}
	}
	return missing
}
