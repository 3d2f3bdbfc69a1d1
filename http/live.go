package http

import (
	"context"

	"atelier/messages"
)

// liveHub tells what happens in projects and documents, on whatever node.
type liveHub interface {
	// Watch lets w be told of a topic from the position on that it returns, which
	// may be behind what was answered a moment ago. Calls to w may begin before it
	// returns; after stop none begins.
	Watch(ctx context.Context, t messages.Topic, w messages.Watcher) (at int64, stop func(), err error)
	// Signal tells all who watch the topic, on all nodes, at most once.
	Signal(t messages.Topic, payload []byte)
	// Enter shows a user in a project by one of his sockets, with what he says of
	// himself; again: he says something else. Who is there is told to every
	// messages.PresenceWatcher of the project.
	Enter(ctx context.Context, project, socket string, p messages.Present) error
	// Leave ends that. A socket that is closed leaves.
	Leave(project, socket string)
	// Presence is who is in a project.
	Presence(ctx context.Context, project string) ([]messages.Present, error)
}
