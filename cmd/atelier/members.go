package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"atelier/actors"
	"atelier/cluster"
	"atelier/messages"
)

// members tells of the nodes, and drains them.
type members struct {
	node   string
	peers  *peers // nil: alone
	lease  actors.Lease
	census func() map[string]int64 // entities on this node
	since  time.Time
}

// Cluster lists the nodes: whom this one sees, and who has a lease.
func (m *members) Cluster(ctx context.Context) (*messages.Cluster, error) {
	if m.peers == nil {
		_, exclusive := m.lease.Trust()
		self := messages.Member{Name: m.node, State: messages.MemberUp, Since: m.since, Exclusive: exclusive, Entities: m.census()}
		return &messages.Cluster{Node: m.node, Nodes: []messages.Member{self}}, nil
	}
	name := m.peers.settings.ClusterName
	leased, err := m.peers.leases.Live(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &messages.Cluster{Name: name, Node: m.node, Nodes: join(m.peers.view(), leased)}
	m.count(ctx, c.Nodes)
	return c, nil
}

// countTime is how long nodes have to say how many entities live there.
const countTime = time.Second

// count asks all nodes at once. Of those that do not answer it is not known.
func (m *members) count(ctx context.Context, nodes []messages.Member) {
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	var asked sync.WaitGroup
	for i := range nodes {
		asked.Go(func() {
			entities, err := m.peers.caller.Count(ctx, nodes[i].Name)
			if err != nil {
				m.peers.log.Debug("a node does not say what lives there", "peer", nodes[i].Name, "error", err)
				return
			}
			nodes[i].Entities = entities
		})
	}
	asked.Wait()
}

// join puts what is seen and what is leased together, by name.
func join(view cluster.View, leased []messages.LeasedNode) []messages.Member {
	var all []messages.Member
	for _, l := range leased {
		n, seen := view.Node(l.Name)
		m := messages.Member{Name: l.Name, Address: l.Address, State: messages.MemberUp, Since: l.StartedAt, Incarnation: l.Incarnation, Exclusive: l.Exclusive}
		switch {
		case l.Struck:
			m.State = messages.MemberStruck
		case !seen || n.Unmet:
			m.State = messages.MemberUnseen
		case n.Draining:
			m.State = messages.MemberDraining
		}
		all = append(all, m)
	}
	for _, n := range view.Nodes {
		if !slices.ContainsFunc(leased, func(l messages.LeasedNode) bool { return l.Name == n.Name }) {
			m := messages.Member{Name: n.Name, Address: n.Address, State: messages.MemberJoining, Since: n.Started}
			if n.Draining { // it stops
				m.State = messages.MemberDraining
			}
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b messages.Member) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Drain has a node hand its entities to the others, until it is started again.
// Where there is no other that takes them, it is refused.
func (m *members) Drain(ctx context.Context, node string) error {
	view := cluster.View{Nodes: []cluster.Node{{Name: m.node}}}
	if m.peers != nil {
		view = m.peers.view()
	}
	if _, ok := view.Node(node); !ok {
		return messages.Refuse(messages.CodeNotFound, "there is no node of that name in the cluster")
	}
	if !slices.ContainsFunc(view.Nodes, func(n cluster.Node) bool { return n.Name != node && !n.Draining && !n.Unmet }) {
		return messages.Refuse(messages.CodeInvalidState, "there is no other node that could take over what %s owns", node)
	}
	return m.peers.caller.Drain(ctx, node)
}
