package actors

import (
	"bytes"
	"errors"

	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// land ends the flight in the air.
func (e *entity[S]) land(m *landed[S]) {
	if m.flight != e.air {
		return
	}
	e.hand = m.flight
	m.flight.committed(m.result.Err)
	var refusal *messages.Error
	switch f, r := m.flight, m.result; {
	case r.Err == nil && r.Duplicate:
		e.repeat(f, r.Known)
	case r.Err == nil:
		e.arrive(f, r.Known)
		return
	case errors.As(r.Err, &refusal):
		e.refuse(f, refusal)
		if errors.Is(r.Err, store.ErrSilent) {
			e.refuseAll(refusal)
		}
	case errors.Is(r.Err, store.ErrFenced):
		e.runtime.deps.Meter.Fenced(e.name)
		e.abandon(f, errMoved, errMoved)
	default:
		e.runtime.deps.Meter.Unknown(e.name)
		e.runtime.deps.Log.Warn("outcome of a commit is not known", "kind", e.name, "id", e.slot.id, "error", r.Err)
		if errors.Is(r.Err, store.ErrSilent) {
			e.abandon(f, errSilent, errUnavailable) // they have waited long enough
		} else {
			e.abandon(f, errUnknown, errMoved)
		}
	}
	e.air = nil
	e.leave()
	e.show()
	e.depart()
}

// arrive applies what was committed, revokes, and settles.
func (e *entity[S]) arrive(f *flight[S], known []store.Reply) {
	for i, event := range f.events {
		e.durable.Apply(event, f.stamps[i])
	}
	e.fence.Version = f.commit.Next
	if e.fence.Epoch == 0 && f.commit.Change != nil {
		e.fence.Epoch = 1
	}
	if f.commit.Change != nil {
		e.era = f.era // a mere check takes no lock: a claim may have been under way
	}
	for _, p := range f.commands {
		if reply, ok := find(known, p.key); ok && p.refused {
			p.answer, p.refused = e.recall(p, reply), false
		}
	}
	f.applied = true
	e.show()
	e.revoke(f)
}

// marks are the revocations of a flight: those of its events, and those of
// commands that changed nothing, since it may be an earlier attempt that did,
// and which never came to its barrier.
func (e *entity[S]) marks(f *flight[S]) (marks []messages.Mark) {
	for _, event := range f.events {
		marks = append(marks, messages.EventMarks(event, e.slot.id)...)
	}
	for _, p := range f.commands {
		if p.decide != nil && !p.refused && len(p.events) == 0 {
			marks = append(marks, messages.CommandMarks(p.command)...)
		}
	}
	return marks
}

// revoke awaits the barrier off the turn; the flight stays in the air meanwhile.
func (e *entity[S]) revoke(f *flight[S]) {
	marks := e.marks(f)
	if len(marks) == 0 {
		e.settle(f)
		return
	}
	self, runtime := e.self, e.runtime
	runtime.deps.Barrier.Revoke(marks, func() { runtime.tell(self, &revoked[S]{f}) })
}

// settle answers a flight that has landed, gives hints and lets the next one
// depart.
func (e *entity[S]) settle(f *flight[S]) {
	if f != e.air {
		return
	}
	e.hand = f
	e.conclude(f)
	if len(f.events) > 0 {
		e.runtime.deps.Hints.Committed(e.name, e.slot.id, f.events)
		e.runtime.deps.Hub.committed(e.name, e.slot.id, f.commit, f.events, f.stamps)
	}
	e.air = nil
	e.leave()
	e.depart()
}

func (e *entity[S]) conclude(f *flight[S]) {
	for _, p := range f.commands {
		e.answer(p, p.answer)
	}
}

// repeat ends a flight that was not written because a command in it had been
// carried out before: that one gets its stored answer, after the barrier, and
// the others are decided anew.
func (e *entity[S]) repeat(f *flight[S], known []store.Reply) {
	e.drafted = false
	var again []*pending[S]
	for _, p := range f.commands {
		reply, ok := find(known, p.key)
		if !ok {
			again = append(again, p)
			continue
		}
		p.answer = e.recall(p, reply)
		if marks := messages.CommandMarks(p.command); len(marks) > 0 {
			runtime := e.runtime
			e.leaveOut(p)
			runtime.deps.Barrier.Revoke(marks, func() { p.deliver(runtime, p.answer) })
			continue
		}
		e.answer(p, p.answer)
	}
	e.requeue(again)
}

// refuse ends a flight of which nothing happened. A constraint refused it: the
// one command that changed anything is meant; of several, each is decided again
// alone. An engine that is away means all of them.
func (e *entity[S]) refuse(f *flight[S], refusal *messages.Error) {
	e.drafted = false
	all := f.changing == 0 || refusal.GetCode() == messages.CodeUnavailable
	var again []*pending[S]
	for _, p := range f.commands {
		switch {
		case all, f.changing == 1 && len(p.events) > 0:
			e.answer(p, refusal)
		default:
			p.alone = f.changing > 1 && len(p.events) > 0
			again = append(again, p)
		}
	}
	e.requeue(again)
}

// refuseAll answers those who wait.
func (e *entity[S]) refuseAll(refusal *messages.Error) {
	queue := e.queue
	e.queue = nil
	for _, p := range queue {
		e.answer(p, refusal)
	}
}

// requeue puts commands back to the head of the queue.
func (e *entity[S]) requeue(again []*pending[S]) {
	if e.phase == lost {
		for _, p := range again {
			e.answer(p, errMoved)
		}
		return
	}
	e.queue = append(again, e.queue...)
}

// abandon ends the activation: the fence was lost or the outcome is not known.
// Commands that changed nothing were certainly not executed by it, nor those that wait.
func (e *entity[S]) abandon(f *flight[S], changed, others *messages.Error) {
	for _, p := range f.commands {
		if len(p.events) > 0 || p.identified() {
			e.answer(p, changed)
		} else {
			e.answer(p, others)
		}
	}
	e.retire(others)
}

// recall is the stored answer of a command, marked as such.
func (e *entity[S]) recall(p *pending[S], stored store.Reply) proto.Message {
	if !bytes.Equal(stored.Fingerprint, p.command.GetMeta().GetFingerprint()) {
		return errKeyReused
	}
	return &messages.Replayed{Body: stored.Body}
}

func find(known []store.Reply, key store.CommandKey) (store.Reply, bool) {
	for _, r := range known {
		if r.CommandKey == key && key.Command != "" {
			return r, true
		}
	}
	return store.Reply{}, false
}
