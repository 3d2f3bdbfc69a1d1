package main

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"atelier/actors"
	"atelier/cluster"
	"atelier/messages"
)

// members tells of the nodes, and drains them.
type members struct {
	node    string
	peers   *peers // nil: alone
	lease   actors.Lease
	live    func() int64 // entities on this node
	since   time.Time
	drained atomic.Bool // where it is alone
}

// Cluster lists the nodes: whom this one sees, and who has a lease.
func (m *members) Cluster(ctx context.Context) (*messages.Cluster, error) {
	entities := m.live()
	if m.peers == nil {
		_, exclusive := m.lease.Trust()
		self := messages.Member{Name: m.node, State: messages.MemberUp, Since: m.since, Exclusive: exclusive, Entities: &entities}
		if m.drained.Load() {
			self.State = messages.MemberDraining
		}
		return &messages.Cluster{Node: m.node, Nodes: []messages.Member{self}}, nil
	}
	name := m.peers.settings.ClusterName
	leased, err := m.peers.leases.Live(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &messages.Cluster{Name: name, Node: m.node, Nodes: join(m.peers.members.View(), leased)}
	for i := range c.Nodes {
		if c.Nodes[i].Name == m.node {
			c.Nodes[i].Entities = &entities
		}
	}
	return c, nil
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
		case !seen:
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

// Drain has a node hand its entities to the others, until it is started again. A
// node that is alone has nobody to hand them to, and keeps them.
func (m *members) Drain(ctx context.Context, node string) error {
	missing := messages.Refuse(messages.CodeNotFound, "there is no node of that name in the cluster")
	if m.peers == nil {
		if node != m.node {
			return missing
		}
		m.drained.Store(true)
		return nil
	}
	if _, ok := m.peers.members.View().Node(node); !ok {
		return missing
	}
	return m.peers.caller.Drain(ctx, node)
}
