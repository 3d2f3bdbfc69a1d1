package main

import (
	"context"

	"atelier/messages"
)

// hubs is actors' Hubs: those of the other nodes.
type hubs struct{ peers *peers }

// Owner implements actors.Hubs.
func (h hubs) Owner(t messages.Topic) string {
	owner, _ := h.peers.view().Owner(t.Kind, t.ID)
	return owner.Name
}

// Watch implements actors.Hubs.
func (h hubs) Watch(ctx context.Context, node string, w *messages.Watch) (*messages.Watched, error) {
	return h.peers.caller.Watch(ctx, node, w)
}

// Push implements actors.Hubs.
func (h hubs) Push(ctx context.Context, node string, p *messages.Push) error {
	return h.peers.caller.Push(ctx, node, p)
}

// Watched implements cluster.Local.
func (p *peers) Watched(ctx context.Context, w *messages.Watch) (*messages.Watched, error) {
	return p.hub.Watched(ctx, w)
}

// Pushed implements cluster.Local.
func (p *peers) Pushed(ctx context.Context, m *messages.Push) error { return p.hub.Pushed(ctx, m) }
