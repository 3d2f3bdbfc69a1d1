package actors

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// turn is a kind's handle on an entity while it hands in one command.
type turn[S State[S]] struct {
	entity *entity[S]
	sender *actor.PID
}

// pending is a command that waits or flies.
type pending[S State[S]] struct {
	command messages.Command
	key     store.CommandKey
	sender  *actor.PID
	others  []*actor.PID // asked for the same command while it waited
	expires time.Time    // local clock; zero for none
	alone   bool         // a constraint refused a flight that it was in
	span    Span         // nil: nobody samples it
	decide  func(S, time.Time) ([]messages.Event, error)
	reply   func(S, time.Time) (proto.Message, error)

	// Set at departure.
	events  []messages.Event
	answer  proto.Message // the reply or the refusal, once the flight has landed
	refused bool
}

// write hands in a command that changes state: decided by the rule at
// departure, answered by reply, from the state after it, at landing.
func write[S State[S], C messages.Command, R proto.Message](t turn[S], c C, rule func(S, C, time.Time) ([]messages.Event, error), reply func(S, C, time.Time) R) {
	t.entity.enqueue(&pending[S]{
		command: c, sender: t.sender, span: t.entity.trace(c),
		decide: func(s S, now time.Time) ([]messages.Event, error) { return rule(s, c, now) },
		reply:  func(s S, now time.Time) (proto.Message, error) { return reply(s, c, now), nil },
	})
}

// read hands in a command that only looks. It shows the durable state: at once,
// or, while a change is in the air, when that has landed, since lists and the
// log may show the change already. Where the fence must vouch for it, it travels
// with the next flight.
func read[S State[S], C messages.Command, R proto.Message](t turn[S], c C, view func(S, C, time.Time) (R, error)) {
	e := t.entity
	look := func(s S, now time.Time) (proto.Message, error) { return view(s, c, now) }
	span := e.trace(c)
	if e.phase == ready && (e.air == nil || e.air.applied) {
		reply := e.look(c, look, e.durable, e.now())
		if e.trusted() { // the lease is checked after the state was read
			end(span, reply)
			e.runtime.answer(t.sender, reply)
			return
		}
	}
	e.enqueue(&pending[S]{command: c, sender: t.sender, reply: look, span: span})
}

// show answers the reads that waited for a flight to land, so that they wait
// neither for its barrier nor for the next one.
func (e *entity[S]) show() {
	e.queue = slices.DeleteFunc(e.queue, func(p *pending[S]) bool {
		if p.decide != nil {
			return false
		}
		reply := e.look(p.command, p.reply, e.durable, e.now())
		if !e.trusted() {
			return false
		}
		e.answer(p, reply)
		return true
	})
}

// deliver sends the answer to all who asked for the command, once.
func (p *pending[S]) deliver(r *Runtime, reply proto.Message) {
	end(p.span, reply)
	r.answer(p.sender, reply)
	for _, other := range p.others {
		r.answer(other, replayed(reply))
	}
	p.sender, p.others = nil, nil
}

// enqueue lets a command wait for the next departure, or joins it to its double.
func (e *entity[S]) enqueue(p *pending[S]) {
	meta := p.command.GetMeta()
	if p.decide != nil && meta.GetCommandId() != "" {
		p.key = store.CommandKey{Principal: meta.GetPrincipal(), Command: meta.GetCommandId()}
		if double := e.joined[p.key]; double != nil {
			e.join(double, p)
			return
		}
	}
	if len(e.queue) >= maxQueue {
		e.runtime.deps.Meter.Overloaded(QueueEntity)
		p.deliver(e.runtime, errOverloaded)
		return
	}
	if p.key.Command != "" {
		if e.joined == nil {
			e.joined = make(map[store.CommandKey]*pending[S])
		}
		e.joined[p.key] = p
	}
	p.expires = time.Now().Add(meta.Remaining())
	e.queue = append(e.queue, p)
	if e.phase == ready && e.air == nil {
		e.depart()
	}
}

func (e *entity[S]) join(double, p *pending[S]) {
	if !bytes.Equal(double.command.GetMeta().GetFingerprint(), p.command.GetMeta().GetFingerprint()) {
		p.deliver(e.runtime, errKeyReused)
		return
	}
	end(p.span, nil)
	double.others = append(double.others, p.sender)
	if expires := time.Now().Add(p.command.GetMeta().Remaining()); expires.After(double.expires) {
		double.expires = expires
	}
}

// look runs a view; a panic in it is an internal error of this command alone.
func (e *entity[S]) look(c messages.Command, view func(S, time.Time) (proto.Message, error), s S, now time.Time) (reply proto.Message) {
	defer func() {
		if r := recover(); r != nil {
			e.panicked(c, r)
			reply = errInternal
		}
	}()
	if !s.Exists() {
		return messages.Missing(e.noun())
	}
	r, err := view(s, now)
	if err != nil {
		return e.refusal(c, err)
	}
	return r
}

func (e *entity[S]) panicked(c messages.Command, cause any) {
	e.runtime.deps.Log.Error("a rule panicked", "kind", e.name, "id", e.slot.id, "command", fmt.Sprintf("%T", c),
		"request_id", c.GetMeta().GetRequestId(), "panic", cause, "stack", string(debug.Stack()))
}

// refusal is the wire form of a rule's error.
func (e *entity[S]) refusal(c messages.Command, err error) *messages.Error {
	var refusal *messages.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	e.runtime.deps.Log.Error("a rule failed", "kind", e.name, "id", e.slot.id, "command", fmt.Sprintf("%T", c),
		"request_id", c.GetMeta().GetRequestId(), "error", err)
	return errInternal
}

// noun is how refusals call the kind.
func (e *entity[S]) noun() string {
	if e.name == store.Account {
		return "user"
	}
	return string(e.name)
}

// unknown answers a command that the kind does not take: a newer node's, or a
// defect.
func (t turn[S]) unknown(c messages.Command) {
	t.entity.runtime.deps.Log.Error("a kind was sent a command that it does not take", "kind", t.entity.name, "command", fmt.Sprintf("%T", c))
	t.entity.runtime.answer(t.sender, errOlder)
}
