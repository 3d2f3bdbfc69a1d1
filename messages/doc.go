// Package messages is the one vocabulary of Atelier: commands, events, replies,
// query views and errors that cross a mailbox, a node or the event log. The
// types are generated from the .proto files; the methods beside them are
// written by hand. Messages are immutable once sent.
package messages
