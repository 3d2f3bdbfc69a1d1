// Package actors is the runtime in which users, sessions, projects and documents live. An
// entity is a protoactor actor that takes one command at a time, decides it by
// a pure rule, persists what follows and only then answers.
//
// Who owns what. The Runtime owns the actor system, the directory of live
// entities, the committer's writers and the janitor that passivates idle
// entities. An entity's fields belong to its mailbox alone; the outside reaches
// them by messages. Claims and commits run elsewhere and come back as the local
// messages claimed, landed and revoked.
//
// The Hub tells who watches what was committed. It owns a goroutine for its rounds,
// one for each topic while something waits to be passed on, and one for each other
// node while something waits to be sent there; all of them end with Stop. Watchers
// are called by the topic's, with no lock held.
//
// Life of an entity. The first message makes it claim its row; a command that
// creates it skips the claim and lets the insert find out. Commands wait in a
// bounded queue. When no flight is in the air, all that wait are decided on the
// scratch state and leave as one commit; what arrives meanwhile leaves with the
// next one. Landing applies the events to the durable state, revokes, answers
// and then gives hints, in that order.
//
// Invariants. No reply, refusal included, leaves before the flight that it
// rests on has landed. A commit whose fence was lost, or whose outcome is not
// known, ends the activation: it leaves the directory, answers what still
// waits, and stops. The next one reads the database again; nothing is patched.
// An entity never asks another entity. Its claim may ask another node, through
// Peers, to hand the row over; none is activated here while one is handed over.
//
// Failure. A panic in a rule is that command's internal error. A lapsed node
// lease makes the Runtime forget all entities. A full queue answers overloaded.
package actors
