package actors

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

const (
	maxFlight     = 256     // commands that leave together
	maxReply      = 4 << 10 // bytes of a stored reply; larger ones are rendered anew
	keptMinted    = 10 * time.Minute
	keptByClients = 24 * time.Hour
)

// flight is the commands that were decided together, and their commit.
type flight[S State[S]] struct {
	commands []*pending[S]
	commit   *store.Commit
	events   []messages.Event
	stamps   []messages.Stamp
	now      time.Time
	era      int64 // of the lease at departure
	changing int   // commands that decided events
}

// depart decides all commands that wait and lets them leave as one commit. What
// needs no commit, because the lease vouches for it, is answered at once.
func (e *entity[S]) depart() {
	if e.phase == ready && e.air == nil && e.outdated() {
		e.claim()
		return
	}
	for e.phase == ready && e.air == nil && len(e.queue) > 0 {
		f := e.board()
		if len(f.commands) == 0 {
			continue
		}
		e.hand = f
		e.decide(f)
		switch {
		case f.commit != nil, !e.trusted() && e.durable.Exists():
			e.take(f)
		case len(e.marks(f)) > 0:
			e.air = f
			e.revoke(f)
		default:
			e.conclude(f)
		}
	}
	if e.phase == ready && e.air == nil && !e.durable.Exists() {
		e.lose() // ids that do not exist are answered and not kept
	}
}

// board takes the commands of the next flight from the queue. Those whose
// askers have gone are dropped; one that a constraint refused flies alone.
func (e *entity[S]) board() *flight[S] {
	f := &flight[S]{now: e.now()}
	f.era, _ = e.runtime.deps.Lease.Trust()
	clock := time.Now()
	taken := 0
	for _, p := range e.queue {
		if len(f.commands) == maxFlight || len(f.commands) > 0 && (p.alone || f.commands[0].alone) {
			break
		}
		taken++
		if clock.After(p.expires) {
			e.leaveOut(p)
			continue
		}
		f.commands = append(f.commands, p)
	}
	rest := copy(e.queue, e.queue[taken:])
	clear(e.queue[rest:])
	e.queue = e.queue[:rest]
	return f
}

// decide runs the rules, one after another, on the scratch state, and fills the
// commit where there is anything to write or to ask. Where all commands only look
// there is no need for a scratch state.
func (e *entity[S]) decide(f *flight[S]) {
	if !e.drafted && slices.ContainsFunc(f.commands, func(p *pending[S]) bool { return p.decide != nil }) {
		e.scratch, e.drafted = e.durable.Clone(), true
	}
	state := e.durable
	if e.drafted {
		state = e.scratch
	}
	commit := &store.Commit{Fence: e.fence, Node: e.runtime.deps.Node}
	for _, p := range f.commands {
		p.events, p.refused = nil, false
		if p.decide == nil {
			p.answer = e.look(p.command, p.reply, state, f.now)
			continue
		}
		p.answer = e.rule(f, p)
		switch {
		case p.refused && p.identified():
			commit.Lookups = append(commit.Lookups, p.key)
		case !p.refused && p.key.Command != "" && (len(p.events) > 0 || p.identified()):
			commit.Replies = append(commit.Replies, e.stored(p, f.now))
		}
	}
	commit.Next, _ = state.Head()
	if len(f.events) > 0 {
		commit.Stream = e.stream(e.scratch)
		commit.Change = e.changes(e.scratch, f.events)
		commit.Events = e.records(f)
	}
	if commit.Change != nil || len(commit.Lookups) > 0 || len(commit.Replies) > 0 {
		f.commit = commit
	}
}

// rule decides one command, applies its events to the scratch state and renders
// its reply.
func (e *entity[S]) rule(f *flight[S], p *pending[S]) proto.Message {
	events, refusal := e.decided(f, p)
	if refusal != nil {
		p.refused = true
		return refusal
	}
	version, seq := e.scratch.Head()
	if slices.ContainsFunc(events, messages.RaisesVersion) {
		version++
	}
	for _, event := range events {
		if messages.Logged(event) {
			seq++
		}
		stamp := messages.Stamp{At: f.now, Version: version, Seq: seq}
		e.scratch.Apply(event, stamp)
		f.events, f.stamps = append(f.events, event), append(f.stamps, stamp)
	}
	if p.events = events; len(events) > 0 {
		f.changing++
	}
	reply, err := p.reply(e.scratch, f.now)
	if err != nil {
		panic(err) // replies of writes do not fail
	}
	return reply
}

// decided runs the rule; a panic in it is an internal error of this command
// alone, since a rule changes nothing.
func (e *entity[S]) decided(f *flight[S], p *pending[S]) (events []messages.Event, refusal *messages.Error) {
	defer func() {
		if r := recover(); r != nil {
			e.panicked(p.command, r)
			refusal = errInternal
		}
	}()
	if !e.scratch.Exists() && !e.creates(p.command) {
		return nil, messages.Missing(e.noun())
	}
	events, err := p.decide(e.scratch, f.now)
	if err != nil {
		return nil, e.refusal(p.command, err)
	}
	return events, nil
}

// identified commands may have been carried out before: their ids are looked up
// before they are refused.
func (p *pending[S]) identified() bool {
	meta := p.command.GetMeta()
	return p.key.Command != "" && (meta.Keyed() || meta.Retried())
}

// stored is the row that makes a command idempotent.
func (e *entity[S]) stored(p *pending[S], now time.Time) store.Reply {
	meta := p.command.GetMeta()
	r := store.Reply{CommandKey: p.key, Fingerprint: meta.GetFingerprint(), Expires: now.Add(keptMinted)}
	if meta.Keyed() {
		r.Expires = now.Add(keptByClients)
	}
	if body, err := proto.Marshal(p.answer); err == nil && len(body) <= maxReply {
		r.Body = body
	} else {
		r.Reference = true
	}
	return r
}

// records are the events' rows in the log.
func (e *entity[S]) records(f *flight[S]) []store.Event {
	rows := make([]store.Event, 0, len(f.events))
	i := 0
	for _, p := range f.commands {
		meta := p.command.GetMeta()
		for _, event := range p.events {
			stamp := f.stamps[i]
			i++
			if !messages.Logged(event) {
				continue
			}
			data, err := messages.EventData(event)
			if err != nil { // generated types always marshal
				panic(err)
			}
			rows = append(rows, store.Event{
				ID: uuid.Must(uuid.NewV7()).String(), Type: event.EventType(), Seq: stamp.Seq, Version: stamp.Version,
				Actor: meta.GetPrincipal(), Trace: meta.GetTrace(), OccurredAt: stamp.At, Data: data,
			})
		}
	}
	return rows
}

// take hands the flight to the committer. A flight without changes asks only
// whether the fence still holds.
func (e *entity[S]) take(f *flight[S]) {
	if f.commit == nil {
		f.commit = &store.Commit{Fence: e.fence, Node: e.runtime.deps.Node, Next: e.fence.Version}
	}
	self, runtime := e.self, e.runtime
	e.air = f
	if runtime.committer.Submit(f.commit, func(r store.Result) { runtime.tell(self, &landed[S]{f, r}) }) {
		return
	}
	e.air, e.drafted = nil, false
	for _, p := range f.commands {
		e.answer(p, errOverloaded)
	}
}

// land ends the flight in the air.
func (e *entity[S]) land(m *landed[S]) {
	if m.flight != e.air {
		return
	}
	e.hand = m.flight
	var refusal *messages.Error
	switch f, r := m.flight, m.result; {
	case r.Err == nil && r.Duplicate:
		e.repeat(f, r.Known)
	case r.Err == nil:
		e.arrive(f, r.Known)
		return
	case errors.As(r.Err, &refusal):
		e.refuse(f, refusal)
	case errors.Is(r.Err, store.ErrFenced):
		e.abandon(f, errMoved)
	default:
		e.runtime.deps.Log.Warn("outcome of a commit is not known", "kind", e.name, "id", e.slot.id, "error", r.Err)
		e.abandon(f, errUnknown)
	}
	e.air = nil
	e.leave()
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
// Commands that changed nothing were certainly not executed.
func (e *entity[S]) abandon(f *flight[S], changed *messages.Error) {
	for _, p := range f.commands {
		if len(p.events) > 0 || p.identified() {
			e.answer(p, changed)
		} else {
			e.answer(p, errMoved)
		}
	}
	e.lose()
}

// recall is the stored answer of a command, marked as such.
func (e *entity[S]) recall(p *pending[S], stored store.Reply) proto.Message {
	if !bytes.Equal(stored.Fingerprint, p.command.GetMeta().GetFingerprint()) {
		return errKeyReused
	}
	if !stored.Reference {
		return &messages.Replayed{Body: stored.Body}
	}
	return replayed(e.look(p.command, p.reply, e.durable, e.now()))
}

func find(known []store.Reply, key store.CommandKey) (store.Reply, bool) {
	for _, r := range known {
		if r.CommandKey == key && key.Command != "" {
			return r, true
		}
	}
	return store.Reply{}, false
}
