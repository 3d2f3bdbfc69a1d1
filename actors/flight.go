package actors

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

const (
	maxFlight     = 256 // commands that leave together
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
	era      int64     // of the lease at departure
	changing int       // commands that decided events
	left     time.Time // for the committer
	applied  bool      // landed, and only its barrier awaited
}

// depart decides all commands that wait and lets them leave as one commit. What
// needs no commit, because the lease vouches for it, is answered at once.
func (e *entity[S]) depart() {
	if e.phase == ready && e.air == nil && len(e.queue) > 0 && e.outdated() {
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
			end(p.span, errExpired)
			continue
		}
		if e.late(p.command) {
			e.answer(p, errLate)
			continue
		}
		f.commands = append(f.commands, p)
	}
	rest := copy(e.queue, e.queue[taken:])
	clear(e.queue[rest:])
	e.queue = e.queue[:rest]
	return f
}

// late reports whether a command rests on a right that ends, and has ended. It goes by the
// time itself: that of rules may be ahead of it, where the clock was set back.
func (e *entity[S]) late(c messages.Command) bool {
	ends, does := c.(interface{ DueUs() int64 })
	return does && ends.DueUs() > 0 && e.runtime.deps.Lease.Now().UnixMicro() >= ends.DueUs()
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
		commit.Mails = e.mails(f)
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
	r := store.Reply{CommandKey: p.key, Fingerprint: meta.GetFingerprint(), Expires: now.Add(keptMinted), Fresh: !p.identified()}
	if meta.Keyed() {
		r.Expires = now.Add(keptByClients)
	}
	body, err := proto.Marshal(p.answer)
	if err != nil { // generated types always marshal
		panic(err)
	}
	r.Body = body
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
				Actor: meta.GetPrincipal(), Trace: p.trace(), OccurredAt: stamp.At, Data: data,
				IP: meta.GetIp(), RequestID: meta.GetRequestId(), Audit: messages.AuditDetail(event),
			})
		}
	}
	return rows
}

// mails are the rows of the mails that the commands want sent. What they are about
// is sealed: names and addresses of people.
func (e *entity[S]) mails(f *flight[S]) (rows []store.Mail) {
	for _, p := range f.commands {
		for _, event := range p.events {
			m, is := event.(*messages.MailQueued)
			if !is {
				continue
			}
			params, err := proto.Marshal(m.GetParams())
			if err != nil { // generated types always marshal
				panic(err)
			}
			id := uuid.Must(uuid.NewV7()).String()
			rows = append(rows, store.Mail{
				ID: id, Kind: m.GetKind(), To: m.GetTo(), Params: e.runtime.deps.Seal(store.SealedMail(id), params),
				Created: f.now, Expires: messages.Time(m.GetExpiresAt()), Trace: p.command.GetMeta().GetTrace(),
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
	e.air, f.left = f, time.Now()
	if runtime.committer.Submit(f.commit, func(r store.Result) { runtime.tell(self, &landed[S]{f, r}) }) {
		return
	}
	e.runtime.deps.Meter.Overloaded(QueueCommits)
	e.air, e.drafted = nil, false
	for _, p := range f.commands {
		e.answer(p, errOverloaded)
	}
}
