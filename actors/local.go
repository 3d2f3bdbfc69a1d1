package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Local is the Caller of a single node: every entity lives here.
type Local struct {
	runtime *Runtime
	idle    chan *asker // registered askers that wait for a call
}

// maxIdleAskers is about as many calls as run at one time on a busy node.
const maxIdleAskers = 1024

// NewLocal makes the Caller that finds all entities in r.
func NewLocal(r *Runtime) *Local { return &Local{runtime: r, idle: make(chan *asker, maxIdleAskers)} }

// Call sends the command to the entity, activating it where it is not live, and
// waits for its answer, the end of ctx or the end of the activation.
func (l *Local) Call(ctx context.Context, kind store.Kind, id string, c messages.Command) (proto.Message, error) {
	at, err := l.runtime.activate(kind, id)
	if err != nil {
		return nil, err
	}
	a := l.asker()
	l.runtime.system.Root.RequestWithCustomSender(at.pid, c, a.pid)
	select {
	case m := <-a.answered:
		l.release(a)
		return m, nil
	case <-at.closed:
		l.remove(a)
		return a.last()
	case <-ctx.Done():
		l.remove(a)
		return nil, messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	}
}

// asker is the process that an entity answers to. It is lighter than the
// library's future, needs no timer and can be left when the activation ends,
// which drops what is in its mailbox without a word.
//
// Registering a process costs more than all else in a call, so an asker that got
// its answer serves further calls: nobody answers twice. One that was left without
// an answer is removed, since that may still come.
type asker struct {
	pid      *actor.PID
	answered chan proto.Message
}

func (l *Local) asker() *asker {
	select {
	case a := <-l.idle:
		return a
	default:
	}
	a := &asker{answered: make(chan proto.Message, 1)}
	registry := l.runtime.system.ProcessRegistry
	a.pid, _ = registry.Add(a, "ask"+registry.NextId())
	return a
}

func (l *Local) release(a *asker) {
	select {
	case l.idle <- a:
	default:
		l.remove(a)
	}
}

func (l *Local) remove(a *asker) { l.runtime.system.ProcessRegistry.Remove(a.pid) }

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
