package actors

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"atelier/actors/store"
	"atelier/messages"
)

// State is what a kind's rules work on. Apply alone writes it.
type State[S any] interface {
	Exists() bool
	Head() (version, seq int64)
	LastChange() time.Time // the latest time that an event left in the state
	Apply(messages.Event, messages.Stamp)
	Clone() S
}

// Lease is the node's right to answer from memory.
type Lease interface {
	// Now is database time.
	Now() time.Time
	// Trust reports whether the node may answer from memory what it claimed in
	// the returned era: its lease holds and other nodes respect it. Without
	// trust each answer is verified by the fence. Eras change whenever trust
	// was interrupted.
	Trust() (era int64, ok bool)
}

// Barrier carries revocations to everything that was validated before. It
// calls done, once, when none of it is left; done does not block.
type Barrier interface {
	Revoke(marks []messages.Mark, done func())
}

// Hints are told what was committed, after the replies have left. They must
// not block; nothing relies on them.
type Hints interface {
	Committed(kind store.Kind, id string, events []messages.Event)
}

// Deps is what every kind of entity stands on.
type Deps struct {
	Node    string // stable name of this node, recorded as owner of claimed rows
	Lease   Lease
	Barrier Barrier
	Hints   Hints
	Hub     *Hub                                    // tells who watches what was committed; nil: nobody does
	Peers   Peers                                   // nil: this node is alone
	Meter   Meter                                   // nil: nobody counts
	Tracer  Tracer                                  // nil: nobody samples
	Seal    func(place string, plain []byte) []byte // encrypts for a place in the database
	Log     *slog.Logger
}

// Kind makes entities of one sort.
type Kind struct {
	Name    store.Kind
	props   *actor.Props
	release func(ctx context.Context, id, node string) error // the claimer's
}

// spec is what the entities of a kind share.
type spec[S State[S]] struct {
	name    store.Kind
	runtime *Runtime
	claimer store.Claimer[S]
	empty   func() S
	stream  func(S) string
	changes func(S, []messages.Event) any
	creates func(messages.Command) bool
	receive func(turn[S], messages.Command)
}

// newKind makes a Kind from the closures that tell it from others. Entities of
// it run in r.
func newKind[S State[S]](r *Runtime, s spec[S]) Kind {
	s.runtime = r
	return Kind{Name: s.name, release: s.claimer.Release, props: actor.PropsFromProducer(
		func() actor.Actor { return &entity[S]{spec: &s} },
		actor.WithMailbox(actor.UnboundedLockfree()), // the smallest one
		actor.WithDispatcher(r.crew),
	)}
}
