package actors

import (
	"time"

	"atelier/actors/store"
)

// Meter is told what happens in a Runtime. Its methods are called while commands
// wait: they neither block nor allocate.
type Meter interface {
	// Activated: an entity has come into memory.
	Activated(kind store.Kind)
	// Passivated: one that was idle for long has left it.
	Passivated(kind store.Kind)
	// Overloaded: a command was refused because one of the Queues was full.
	Overloaded(queue string)
	// Committed: a group was written, or could not be.
	Committed(commits int, took time.Duration)
	// Fenced: a commit was refused, since another activation has the row.
	Fenced(kind store.Kind)
	// Unknown: nobody can say whether a commit was written.
	Unknown(kind store.Kind)
	// HandedOver: this node asked another for an entity, or gave one away.
	HandedOver(asked bool, took time.Duration, done bool)
}

// Queues that may be full.
const (
	QueueEntity   = "entity"   // the commands of one entity
	QueueCommits  = "commits"  // what waits to be written
	QueueEntities = "entities" // the entities in memory
)

// unmetered is the Meter of a Runtime that has none.
type unmetered struct{}

func (unmetered) Activated(store.Kind)                 {}
func (unmetered) Passivated(store.Kind)                {}
func (unmetered) Overloaded(string)                    {}
func (unmetered) Committed(int, time.Duration)         {}
func (unmetered) Fenced(store.Kind)                    {}
func (unmetered) Unknown(store.Kind)                   {}
func (unmetered) HandedOver(bool, time.Duration, bool) {}
