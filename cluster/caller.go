package cluster

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Caller finds the node of an entity by the current view, and asks it.
type Caller struct {
	transport *Transport
	local     Local
}

// NewCaller makes the Caller of a node. Until it has been told a view, all is
// moved.
func NewCaller(t *Transport, local Local) *Caller { return &Caller{transport: t, local: local} }

// Changed takes the view that holds from now on. Calls under way to nodes that
// are not in it end at once.
func (c *Caller) Changed(v View) { c.transport.calls.changed(v) }

// View is the last view that the Caller was told.
func (c *Caller) View() View { return *c.transport.calls.view.Load() }

// Call carries the command to its entity and brings the answer: a reply,
// *messages.Replayed or *messages.Error. It tries once. As an error, moved means
// that the command was not carried out and outcome unknown that it may have been;
// after a timeout nobody has said.
func (c *Caller) Call(ctx context.Context, kind, id string, command messages.Command) (proto.Message, error) {
	v := c.View()
	owner, ok := v.Owner(kind, id)
	switch {
	case !ok:
		return nil, errMoved
	case owner.Name == v.Self:
		return c.local.Call(ctx, kind, id, command)
	}
	if c.transport.calls.crowded(owner) {
		c.transport.config.Meter.Called(ResultOverloaded, 0)
		return nil, errOverloaded
	}
	b, err := proto.Marshal(command)
	if err != nil {
		return nil, err
	}
	if len(b) > messages.SizeLimit(command) {
		return nil, messages.Refuse(messages.CodePayloadTooLarge, "the request is too large to be sent between nodes")
	}
	ask := &messages.Ask{
		Kind: kind, Id: id, Type: string(proto.MessageName(command)), Command: b, SentUs: c.transport.config.now().UnixMicro(),
	}
	began := time.Now()
	answer, err := c.exchange(ctx, owner, func(number uint64) proto.Message {
		ask.Call = number
		return ask
	})
	c.transport.config.Meter.Called(resultOf(err), time.Since(began))
	return answer, err
}

// resultOf is how a call ended. What the entity answered is no error.
func resultOf(err error) string {
	if err == nil {
		return ResultAnswered
	}
	switch messages.CodeOf(err) {
	case messages.CodeMoved:
		return ResultMoved
	case messages.CodeOutcomeUnknown:
		return ResultUnknown
	case messages.CodeTimeout:
		return ResultTimeout
	case messages.CodeOverloaded:
		return ResultOverloaded
	default:
		return ResultFailed
	}
}

// HandOver asks a node to let go of an entity.
func (c *Caller) HandOver(ctx context.Context, node, kind, id string) error {
	v := c.View()
	if node == v.Self {
		return c.local.HandOver(ctx, kind, id)
	}
	return c.order(ctx, v, node, func(number uint64) proto.Message {
		return &messages.HandOver{Call: number, Kind: kind, Id: id}
	})
}

// maxMarks is how many revocations travel together: no more bytes than a command.
const maxMarks = 512

// Revoke carries revocations to a node and returns when they hold there, but for changes
// that are late on their way to documents: these are to be fenced.
func (c *Caller) Revoke(ctx context.Context, node string, marks []messages.Mark) (late []string, err error) {
	v := c.View()
	if node == v.Self {
		return c.local.Revoke(ctx, marks)
	}
	return revoke(marks, func(message func(number uint64) proto.Message) (proto.Message, error) {
		return c.request(ctx, v, node, message)
	})
}

// RevokeThrough is Revoke by way of another node.
func (c *Caller) RevokeThrough(ctx context.Context, node string, marks []messages.Mark) (late []string, err error) {
	to, ok := c.View().Node(node)
	via, found := c.relay(to)
	if !ok || !found {
		return nil, messages.Refuse(messages.CodeUnavailable, "there is no other way to %s", node)
	}
	return revoke(marks, func(message func(number uint64) proto.Message) (proto.Message, error) {
		return answered(c.through(ctx, via, to, message))
	})
}

func revoke(marks []messages.Mark, request func(message func(number uint64) proto.Message) (proto.Message, error)) (late []string, err error) {
	for part := range slices.Chunk(marks, maxMarks) {
		revocations := make([]*messages.Revocation, len(part))
		for i, m := range part {
			revocations[i] = &messages.Revocation{User: m.User, Session: m.Session, Project: m.Project}
		}
		answer, err := request(func(number uint64) proto.Message { return &messages.Revoke{Call: number, Marks: revocations} })
		if err != nil {
			return nil, err
		}
		if revoked, is := answer.(*messages.Revoked); is {
			late = append(late, revoked.GetLate()...)
		}
	}
	return late, nil
}

// Drain has a node hand its entities to the others.
func (c *Caller) Drain(ctx context.Context, node string) error {
	v := c.View()
	if node == v.Self {
		return c.local.Drain(ctx)
	}
	return c.order(ctx, v, node, func(number uint64) proto.Message { return &messages.Drain{Call: number} })
}

// Count asks a node for its live entities by kind.
func (c *Caller) Count(ctx context.Context, node string) (map[string]int64, error) {
	v := c.View()
	if node == v.Self {
		return c.local.Count(), nil
	}
	m, err := c.request(ctx, v, node, func(number uint64) proto.Message { return &messages.Count{Call: number} })
	if err != nil {
		return nil, err
	}
	counted, ok := m.(*messages.Counted)
	if !ok {
		return nil, errInternal
	}
	return counted.GetEntities(), nil
}

// Seen tells a node which of its users this one has had requests from.
func (c *Caller) Seen(ctx context.Context, node string, users []string) error {
	v := c.View()
	if node == v.Self {
		c.local.Seen(users)
		return nil
	}
	return c.order(ctx, v, node, func(number uint64) proto.Message { return &messages.Seen{Call: number, Users: users} })
}

// Watch tells a node what this one watches there.
func (c *Caller) Watch(ctx context.Context, node string, w *messages.Watch) (*messages.Watched, error) {
	m, err := c.request(ctx, c.View(), node, func(number uint64) proto.Message {
		w.Call = number
		return w
	})
	if err != nil {
		return nil, err
	}
	watched, ok := m.(*messages.Watched)
	if !ok {
		return nil, errInternal
	}
	return watched, nil
}

// Push tells a node what happened to what it watches, or what it is to pass on. It
// returns when the node has taken it.
func (c *Caller) Push(ctx context.Context, node string, p *messages.Push) error {
	return c.order(ctx, c.View(), node, func(number uint64) proto.Message {
		p.Call = number
		return p
	})
}

// order sends a request to which there is nothing to answer but that it was done.
func (c *Caller) order(ctx context.Context, v View, node string, message func(number uint64) proto.Message) error {
	_, err := c.request(ctx, v, node, message)
	return err
}

// request sends a request to a node by its name. A refusal is an error.
func (c *Caller) request(ctx context.Context, v View, node string, message func(number uint64) proto.Message) (proto.Message, error) {
	to, ok := v.Node(node)
	if !ok {
		return nil, messages.Refuse(messages.CodeUnavailable, "%s is not in the cluster", node)
	}
	return answered(c.exchange(ctx, to, message))
}

// answered makes an error of a refusal.
func answered(m proto.Message, err error) (proto.Message, error) {
	if refusal, ok := m.(*messages.Error); ok {
		return nil, refusal
	}
	return m, err
}
