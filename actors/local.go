package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Local is the Caller of a single node: every entity lives here.
type Local struct{ runtime *Runtime }

// NewLocal makes the Caller that finds all entities in r.
func NewLocal(r *Runtime) *Local { return &Local{r} }

// Call sends the command to the entity, activating it where it is not live, and
// waits for its answer, the end of ctx or the end of the activation.
func (l *Local) Call(ctx context.Context, kind store.Kind, id string, c messages.Command) (proto.Message, error) {
	at, err := l.runtime.activate(kind, id)
	if err != nil {
		return nil, err
	}
	asker := &asker{answered: make(chan proto.Message, 1)}
	registry := l.runtime.system.ProcessRegistry
	pid, _ := registry.Add(asker, "ask"+registry.NextId())
	defer registry.Remove(pid)
	l.runtime.system.Root.RequestWithCustomSender(at.pid, c, pid)
	select {
	case m := <-asker.answered:
		return m, nil
	case <-at.closed:
		return asker.last()
	case <-ctx.Done():
		return nil, messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	}
}

// asker is the process that an entity answers to. It is lighter than the
// library's future, needs no timer and can be left when the activation ends,
// which drops what is in its mailbox without a word.
type asker struct{ answered chan proto.Message }

// SendUserMessage takes the first answer.
func (a *asker) SendUserMessage(_ *actor.PID, message any) {
	answer := proto.Message(errMoved) // a dead letter: not delivered
	if m, ok := actor.UnwrapEnvelopeMessage(message).(proto.Message); ok {
		if _, dead := m.(*actor.DeadLetterResponse); !dead {
			answer = m
		}
	}
	select {
	case a.answered <- answer:
	default:
	}
}

// SendSystemMessage ignores watches and the like.
func (a *asker) SendSystemMessage(*actor.PID, any) {}

// Stop is asked by nobody.
func (a *asker) Stop(*actor.PID) {}

// last is the answer that was given before the activation ended; without one
// the command was dropped undecided.
func (a *asker) last() (proto.Message, error) {
	select {
	case m := <-a.answered:
		return m, nil
	default:
		return nil, errMoved
	}
}
