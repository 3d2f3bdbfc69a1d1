package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/actors"
	"atelier/actors/store"
	"atelier/cluster"
	"atelier/messages"
)

// peers joins this node to a cluster: the runtime's entities to those who ask for
// them from other nodes, and its calls to where the entities live.
type peers struct {
	settings  clusterSettings
	node      string
	runtime   *actors.Runtime
	local     *actors.Local
	barrier   barrier // this node's part
	leases    cluster.LeaseStore
	metrics   *metrics
	activity  *activity
	hub       *actors.Hub
	log       *slog.Logger
	transport *cluster.Transport
	gate      *cluster.Gate
	members   *cluster.Membership
	meetings  *cluster.Meetings
	caller    *cluster.Caller
	now       func() time.Time // database time
	moved     chan struct{}    // has room for one: entities have other owners
}

// start opens the connections between nodes and looks for the others. What it
// registers with s is stopped after all that uses it.
func (p *peers) start(ctx context.Context, s *server) error {
	tls, err := p.settings.tls()
	if err != nil {
		return err
	}
	p.transport = cluster.NewTransport(cluster.TransportConfig{Bind: p.settings.ClusterAddr, Advertise: p.settings.ClusterAdvertise, TLS: tls, Now: p.now, Meter: p.metrics.calls}, p.runtime.System(), p.log)
	if err := p.transport.Start(); err != nil {
		return fmt.Errorf("nodes cannot be reached: %w (set ATELIER_CLUSTER_ADDR)", err)
	}
	s.onStop(p.transport.Stop)
	p.local = actors.NewLocal(p.runtime)
	p.caller = cluster.NewCaller(p.transport, p)
	p.metrics.readCluster(p.caller)
	p.gate, err = cluster.NewGate(p.transport, p, p.caller.View, p.log) // before others know of this node
	if err != nil {
		return err
	}
	s.onStop(p.gate.Close)
	p.moved = make(chan struct{}, 1)
	s.background(p.keep)
	p.meetings = cluster.NewMeetings(p.caller, p.changed, p.log)
	s.onStop(func(context.Context) error { p.meetings.Stop(); return nil })
	seeds, keys, err := p.settings.gossip()
	if err != nil {
		return err
	}
	p.members = cluster.NewMembership(cluster.MembershipConfig{
		Cluster: p.settings.ClusterName, Self: cluster.Node{Name: p.node, Address: p.transport.Address(), Started: time.Now()},
		Bind: p.settings.GossipAddr, Advertise: p.settings.GossipAdvertise, Preset: p.settings.ClusterPreset, Seeds: seeds, Keys: keys,
	}, p.meetings.Changed, p.log)
	if err := p.members.Start(ctx); err != nil {
		return fmt.Errorf("the cluster cannot be joined: %w (set ATELIER_GOSSIP_ADDR)", err)
	}
	s.onStop(p.members.Leave)
	if p.settings.keyFile() != "" {
		s.background(func(ctx context.Context) { p.followKeys(ctx, keys) })
	}
	p.meetings.Wait(ctx)
	return nil
}

// address is where others reach this node.
func (p *peers) address() string { return p.transport.Address() }

// Drain implements cluster.Local: it hands this node's entities to the others.
func (p *peers) Drain(context.Context) error { return p.members.Drain() }

// changed follows the view: calls go to the new owners, and entities that are not
// this node's any more are let go.
func (p *peers) changed(v cluster.View) {
	before := p.caller.View()
	p.metrics.viewed(before, v)
	p.caller.Changed(v)
	p.hub.Moved()
	if v.SameOwners(before) {
		return
	}
	select {
	case p.moved <- struct{}{}:
	default: // a signal waits already
	}
}

// keepAfter is how long a node goes on holding what others own now, unless they ask
// for it: what somebody waits for goes first.
const keepAfter = 200 * time.Millisecond

// keep lets go of what others own, by the newest view, after each change of it until
// ctx ends.
func (p *peers) keep(ctx context.Context) {
	for {
		select {
		case <-p.moved:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(keepAfter):
		case <-ctx.Done():
			return
		}
		p.letGo(ctx, p.caller.View())
	}
}

// letGo lets go of what others own. It takes a while where there is much.
func (p *peers) letGo(ctx context.Context, v cluster.View) {
	p.runtime.Keep(ctx, func(kind store.Kind, id string) bool {
		owner, ok := v.Owner(string(kind), id)
		return !ok || owner.Name == p.node
	})
}

// view is the cluster as this node sees it.
func (p *peers) view() cluster.View { return p.caller.View() }

// everywhere is actors' Caller over all nodes.
type everywhere struct{ caller *cluster.Caller }

// Call implements actors.Caller.
func (e everywhere) Call(ctx context.Context, kind store.Kind, id string, c messages.Command) (proto.Message, error) {
	return e.caller.Call(ctx, string(kind), id, c)
}

// neighbours is actors' Peers.
type neighbours struct{ peers *peers }

// HandOver implements actors.Peers.
func (n neighbours) HandOver(ctx context.Context, node string, kind store.Kind, id string) error {
	return n.peers.caller.HandOver(ctx, node, string(kind), id)
}

// Call implements cluster.Local.
func (p *peers) Call(ctx context.Context, kind, id string, c messages.Command) (proto.Message, error) {
	return p.local.Call(ctx, store.Kind(kind), id, c)
}

// HandOver implements cluster.Local.
func (p *peers) HandOver(ctx context.Context, kind, id string) error {
	return p.runtime.HandOver(ctx, store.Kind(kind), id)
}

// Revoke implements cluster.Local.
func (p *peers) Revoke(_ context.Context, marks []messages.Mark) (late []string, err error) {
	return p.barrier.here(marks), nil
}

// Count implements cluster.Local.
func (p *peers) Count() map[string]int64 { return census(p.runtime) }

// Seen implements cluster.Local.
func (p *peers) Seen(users []string) { p.activity.told(users) }

func census(r *actors.Runtime) map[string]int64 {
	live := make(map[string]int64)
	for kind, n := range r.Census() {
		live[string(kind)] = n
	}
	return live
}
