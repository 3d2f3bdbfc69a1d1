package messages

import "sync"

// Topic is an entity whose commits can be watched: a "project", by its events, or
// a "document", by its updates.
type Topic struct{ Kind, ID string }

// Kinds of topics.
const (
	TopicProject  = "project"
	TopicDocument = "document"
)

// Batch is what was committed to a topic: one event or several, numbered without a
// gap. A document's have the document's position as Seq and a Yjs update as Data.
// All who watch on a node share it, and nobody changes it.
type Batch struct {
	Topic  Topic
	Events []*EventRecord
	frames
}

// frames are what is told, in each encoding that somebody has asked for.
type frames struct{ made sync.Map } // encoding → func() []byte

// Frame is what is told in an encoding, made by the first who asks for it and the
// same for all others.
func (f *frames) Frame(encoding string, encode func() []byte) []byte {
	once, ok := f.made.Load(encoding)
	if !ok {
		once, _ = f.made.LoadOrStore(encoding, sync.OnceValue(encode))
	}
	return once.(func() []byte)()
}

// Signal is what somebody says to a topic without its being kept. All who watch on a
// node share it, and nobody changes it.
type Signal struct {
	Payload []byte
	frames
}

// Watcher is told what happens to a topic. It is called by one goroutine at a time,
// and must not block it.
type Watcher interface {
	// Committed brings what follows the position at which watching began, and then
	// what follows the batch before: nothing left out, nothing twice.
	Committed(*Batch)
	// Lost is the last call: what follows cannot be given without a gap. The watcher
	// reads what it has missed and watches anew.
	Lost()
	// Signals brings what others say to the topic without its being kept: at most once,
	// in the order of each sender's node, and together what came at one time.
	Signals([]*Signal)
}

// Present is a user who is in a project, whatever number of sockets he has there.
type Present struct {
	UserID string
	Name   string
	State  []byte // JSON, as he last said it; nil: nothing yet
}

// PresenceChange is who is in a project, or what has changed about that. All who
// watch on a node share it, and nobody changes it.
type PresenceChange struct {
	Topic  Topic
	Whole  bool      // All is who is there, and the rest is empty
	All    []Present // by user
	Join   []Present
	Update []Present
	Leave  []string
	frames
}

// PresenceWatcher is a Watcher that is also told who is in the project: first the
// whole, then what changes. Of several changes that come fast it sees the last.
type PresenceWatcher interface {
	Watcher
	Present(*PresenceChange)
}
