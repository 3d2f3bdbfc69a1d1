package ysync

import "strings"

// Kind is what a message is about.
type Kind uint64

// Kinds. Both protocols have the first four; the rest is Hocuspocus's, Ping and
// Pong since its version 4.
const (
	Sync Kind = iota
	Awareness
	Auth
	QueryAwareness
	SyncReply // a Sync that wants no step 1 in return
	Stateless
	BroadcastStateless
	Close
	SyncStatus
	Ping
	Pong
)

// Step is what a Sync or SyncReply brings.
type Step uint64

// Steps of the sync protocol.
const (
	Step1  Step = iota // a state vector: send me what I lack
	Step2              // what the other lacked
	Update             // what was written since
)

// What an Auth message brings. y-websocket has denials alone, and numbers them
// otherwise.
const (
	authToken   = 0 // from a client: the token; from a server: send it anew
	authDenied  = 1
	authGranted = 2

	plainDenied = 0
)

// Scopes that a Hocuspocus client is told.
const (
	ReadWrite = "read-write"
	ReadOnly  = "readonly"
)

// Limits of what names and tokens may have.
const (
	maxKey   = 512      // bytes of a document's name with its session
	maxToken = 16 << 10 // of a token
)

// Message is one that a client sent.
type Message struct {
	Key     string // of the document on its socket; empty with y-websocket
	Kind    Kind
	Step    Step   // of Sync and SyncReply
	Payload []byte // of Sync, SyncReply and Awareness
	Token   string // of Auth

	bare bool // a Ping or Pong of the socket itself, which has no key
}

// Parse reads a message of y-websocket.
func Parse(b []byte) (Message, error) {
	var m Message
	return m, m.parse(&reader{b})
}

// ParseEnvelope reads a message of Hocuspocus. One byte alone is a Ping or a Pong of
// the socket and not of a document.
func ParseEnvelope(b []byte) (m Message, err error) {
	if len(b) == 1 && (Kind(b[0]) == Ping || Kind(b[0]) == Pong) {
		return Message{Kind: Kind(b[0]), bare: true}, nil
	}
	r := &reader{b}
	if m.Key, err = r.text(maxKey); err != nil {
		return m, err
	}
	return m, m.parse(r)
}

// Document is the name of the document without the session, which version 4 of
// Hocuspocus puts behind it where several of its providers have one document.
func (m *Message) Document() string {
	name, _, _ := strings.Cut(m.Key, "\x00")
	return name
}

// Pong answers a Ping, in the form in which it came.
func (m *Message) Pong() []byte {
	if m.bare {
		return []byte{byte(Pong)}
	}
	return Enveloped(m.Key).begin(Pong, 0)
}

// parse reads a message. What follows its end is left to later versions: that of
// Hocuspocus says its own behind the token.
func (m *Message) parse(r *reader) error {
	kind, err := r.uint()
	if err != nil {
		return err
	}
	switch m.Kind = Kind(kind); m.Kind {
	case Sync, SyncReply:
		step, err := r.uint()
		if err != nil {
			return err
		}
		if m.Step = Step(step); m.Step > Update {
			return malformed("a step of the sync protocol is unknown")
		}
		m.Payload, err = r.bytes()
		return err
	case Awareness:
		m.Payload, err = r.bytes()
		return err
	case Auth:
		what, err := r.uint()
		if err != nil {
			return err
		}
		if what != authToken {
			return malformed("clients send tokens, and decide nothing")
		}
		m.Token, err = r.text(maxToken)
		return err
	case QueryAwareness, Stateless, BroadcastStateless, Close, SyncStatus, Ping, Pong:
		return nil
	default:
		return malformed("its kind is unknown")
	}
}
