package actors

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// maxQueue bounds the commands that wait in one entity; more are refused as
// overloaded.
const maxQueue = 1024

// claimTimeout is how long an activation waits for its row, hand-over included.
const claimTimeout = 2 * time.Second

// Phases of an activation.
type phase int

const (
	unclaimed phase = iota // nothing asked yet
	claiming               // the claim is under way, commands wait
	ready                  // decides and answers
	lost                   // out of the directory: answers moved, then stops
)

// entity is one activation. All fields belong to its mailbox.
type entity[S State[S]] struct {
	*spec[S]
	slot    *slot
	self    *actor.PID
	phase   phase
	fence   store.Fence
	era     int64 // of the lease, when the claim was sent or the fence was last verified
	durable S     // what the database holds
	scratch S     // durable plus the flight in the air; zero value when not in use
	drafted bool  // scratch is in use and equals durable while nothing is in the air
	queue   []*pending[S]
	air     *flight[S]
	hand    *flight[S]                       // worked on in this turn; for a panic to find
	joined  map[store.CommandKey]*pending[S] // identified commands that wait or fly
	last    time.Time                        // the latest now a rule was given
}

// Local messages of an entity; they never leave the process.
type (
	claimed[S any] struct {
		store.Claimed[S]
		era int64
		err error
	}
	landed[S State[S]] struct {
		flight *flight[S]
		result store.Result
	}
	revoked[S State[S]] struct{ flight *flight[S] }
	passivate           struct{} // stop if idle
	forget              struct{} // what is in memory may no longer be true
	quit                struct{} // sent behind the queue: stop now
)

// Receive is the mailbox's end.
func (e *entity[S]) Receive(ctx actor.Context) {
	defer e.turned()
	switch m := ctx.Message().(type) {
	case messages.Command:
		e.command(ctx, m)
	case *landed[S]:
		e.land(m)
	case *revoked[S]:
		e.settle(m.flight)
	case *claimed[S]:
		e.claimed(m)
	case passivate:
		e.passivate()
	case forget:
		e.lose()
	case quit:
		ctx.Stop(ctx.Self())
	case *actor.Started:
		e.self = ctx.Self()
	case *slot:
		e.slot, e.fence = m, store.Fence{Kind: e.name, ID: m.id}
	case *actor.Stopped:
		e.runtime.directory.remove(e.slot)
		close(e.slot.closed)
		e.runtime.entities.Done()
	}
}

// command takes a command from the mailbox: dropped when nobody waits for the
// answer any more, else handed to the kind.
func (e *entity[S]) command(ctx actor.Context, c messages.Command) {
	if e.phase == lost {
		e.runtime.answer(ctx.Sender(), errMoved)
		return
	}
	if c.GetMeta().GetRemainingUs() <= 0 {
		return
	}
	if e.phase == unclaimed {
		e.activate(c)
	}
	e.receive(turn[S]{e, ctx.Sender()}, c)
}

// activate claims the row, unless the command creates it: then the insert finds
// out whether it exists. A retried creation may have made it before.
func (e *entity[S]) activate(c messages.Command) {
	e.durable = e.empty()
	if e.creates(c) && !c.GetMeta().Retried() {
		e.era, _ = e.runtime.deps.Lease.Trust()
		e.phase = ready
		return
	}
	e.claim()
}

// claim takes the row, off the turn; commands wait meanwhile.
func (e *entity[S]) claim() {
	e.phase, e.drafted = claiming, false
	id, self := e.slot.id, e.self
	e.runtime.goDo(func() {
		m := &claimed[S]{}
		m.era, _ = e.runtime.deps.Lease.Trust()
		ctx, cancel := context.WithTimeout(context.Background(), claimTimeout)
		defer cancel()
		m.Claimed, m.err = e.obtain(ctx, id)
		e.runtime.tell(self, m)
	})
}

// claimed starts the activation from what the database holds, or ends it.
func (e *entity[S]) claimed(m *claimed[S]) {
	if e.phase != claiming {
		return
	}
	var moved *store.MovedError
	switch {
	case m.err == nil:
		e.fence, e.durable, e.last = m.Fence, m.State, m.State.LastChange()
	case errors.Is(m.err, store.ErrNotFound):
		// Epoch 0: refusals, stored replies and creations are still decided.
	case errors.As(m.err, &moved):
		e.retire(errMoved)
		return
	default:
		e.runtime.deps.Log.Error("claim failed", "kind", e.name, "id", e.slot.id, "error", m.err)
		e.retire(errUnavailable)
		return
	}
	e.era, e.phase = m.era, ready
	e.depart()
}

// trusted reports whether the durable state may be shown without asking the
// database.
func (e *entity[S]) trusted() bool {
	era, ok := e.runtime.deps.Lease.Trust()
	return ok && era == e.era
}

// outdated reports whether the node is trusted again after an interruption in
// which another one may have had the row: only a claim brings its trust back.
func (e *entity[S]) outdated() bool {
	era, ok := e.runtime.deps.Lease.Trust()
	return ok && era != e.era && e.fence.Epoch > 0
}

// now is database time for rules, never earlier than the entity's last.
func (e *entity[S]) now() time.Time {
	if now := e.runtime.deps.Lease.Now().UTC().Truncate(time.Microsecond); now.After(e.last) {
		e.last = now
	}
	return e.last
}

func (e *entity[S]) passivate() {
	if e.phase == unclaimed || e.phase == ready && e.air == nil && len(e.queue) == 0 {
		e.runtime.deps.Meter.Passivated(e.name)
		e.lose()
	}
}

// lose ends the activation: out of the directory, what waits is answered moved,
// and a quit goes behind what is still in the mailbox. A flight in the air is
// awaited, since its askers want to know.
func (e *entity[S]) lose() { e.retire(errMoved) }

func (e *entity[S]) retire(answer *messages.Error) {
	if e.phase == lost {
		return
	}
	e.phase = lost
	e.drafted = false
	e.runtime.directory.leave(e.slot)
	e.refuseAll(answer)
	e.leave()
}

// leave sends the quit once nothing is in the air.
func (e *entity[S]) leave() {
	if e.phase == lost && e.air == nil {
		e.runtime.tell(e.self, quit{})
	}
}

// turned ends a turn. After a defect outside of the rules that is the end of the
// activation too: what is in memory can no longer be believed. The commands at
// hand are told so: those that were being decided would fail the next activation
// too, those that had landed were carried out.
func (e *entity[S]) turned() {
	hand := e.hand
	e.hand = nil
	r := recover()
	if r == nil {
		return
	}
	e.runtime.deps.Log.Error("an entity failed", "kind", e.name, "id", e.slot.id, "panic", r, "stack", string(debug.Stack()))
	if f := hand; f != nil {
		verdict := errInternal
		if f == e.air {
			verdict, e.air = errUnknown, nil
		}
		for _, p := range f.commands {
			e.answer(p, verdict)
		}
	}
	if e.phase == lost {
		e.leave() // it waited for that flight alone
		return
	}
	e.retire(errInternal)
}

// answer replies to all who asked for a command and forgets it.
func (e *entity[S]) answer(p *pending[S], reply proto.Message) {
	e.leaveOut(p)
	p.deliver(e.runtime, reply)
}

// leaveOut lets nobody join the command any more.
func (e *entity[S]) leaveOut(p *pending[S]) {
	if p.key.Command != "" && e.joined[p.key] == p {
		delete(e.joined, p.key)
	}
	if len(e.joined) == 0 {
		e.joined = nil // idle entities keep little
	}
}

// replayed wraps the answer for those who asked again; refusals stay refusals.
func replayed(reply proto.Message) proto.Message {
	switch reply.(type) {
	case *messages.Error, *messages.Replayed:
		return reply
	}
	body, err := proto.Marshal(reply)
	if err != nil {
		return errInternal
	}
	return &messages.Replayed{Body: body}
}

// Answers of the runtime itself.
var (
	errMoved       = messages.Refuse(messages.CodeMoved, "the entity is not here; ask again")
	errUnknown     = messages.Refuse(messages.CodeOutcomeUnknown, "the outcome is not known; ask again with the same command id")
	errSilent      = &messages.Error{Code: messages.CodeOutcomeUnknown, Message: "the service has lost its database: whether this was done is not known", RetryAfterMs: 2000}
	errUnavailable = messages.Refuse(messages.CodeUnavailable, "the service cannot reach its database")
	errExpired     = messages.Refuse(messages.CodeTimeout, "nobody waits for the answer any more")
	errLate        = messages.Refuse(messages.CodeLate, "the entity did not come to the command before the right to it ended")
	errOverloaded  = messages.Refuse(messages.CodeOverloaded, "too many requests wait for the same resource")
	errFull        = messages.Refuse(messages.CodeOverloaded, "the node has as many entities in memory as it takes")
	errInternal    = messages.Refuse(messages.CodeInternal, "something went wrong")
	errOlder       = messages.Refuse(messages.CodeUnavailable, "the node that answers for this runs another version, which does not know the request")
	errKeyReused   = messages.Refuse(messages.CodeIdempotencyKeyReused, "the idempotency key was used for another request")
)
