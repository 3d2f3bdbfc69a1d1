package ysync

import "encoding/binary"

// Wire writes the messages of one document on one socket.
type Wire struct {
	name   string
	prefix []byte // in front of each message
	plain  bool
}

// Plain is the wire of y-websocket, the same for all documents.
func Plain() Wire { return Wire{name: "y-websocket", plain: true} }

// Enveloped is the wire of Hocuspocus for a document's key.
func Enveloped(key string) Wire {
	return Wire{name: "hocuspocus:" + key, prefix: appendBytes(nil, key)}
}

// Name is the same for wires that write the same.
func (w Wire) Name() string { return w.name }

// Plain reports whether it is y-websocket's.
func (w Wire) Plain() bool { return w.plain }

// begin makes room for a message and so many bytes that follow its kind.
func (w Wire) begin(kind Kind, follow int) []byte {
	b := make([]byte, 0, len(w.prefix)+follow+16)
	return binary.AppendUvarint(append(b, w.prefix...), uint64(kind))
}

func (w Wire) sync(step Step, payload []byte) []byte {
	return appendBytes(binary.AppendUvarint(w.begin(Sync, len(payload)), uint64(step)), payload)
}

// Step1 asks for what whoever has this state vector lacks.
func (w Wire) Step1(vector []byte) []byte { return w.sync(Step1, vector) }

// Step2 answers a step 1.
func (w Wire) Step2(update []byte) []byte { return w.sync(Step2, update) }

// Update brings what was written.
func (w Wire) Update(update []byte) []byte { return w.sync(Update, update) }

// Awareness brings states of those who are here, as they were encoded.
func (w Wire) Awareness(states []byte) []byte {
	return appendBytes(w.begin(Awareness, len(states)), states)
}

// Denied says that the client may not do something, and why.
func (w Wire) Denied(reason string) []byte {
	what := uint64(authDenied)
	if w.plain {
		what = plainDenied
	}
	return appendBytes(binary.AppendUvarint(w.begin(Auth, len(reason)), what), reason)
}

// Granted says what the client may do. Hocuspocus alone is told.
func (w Wire) Granted(scope string) []byte {
	return appendBytes(binary.AppendUvarint(w.begin(Auth, len(scope)), authGranted), scope)
}

// AskToken asks for a new token. Hocuspocus alone is asked.
func (w Wire) AskToken() []byte { return binary.AppendUvarint(w.begin(Auth, 0), authToken) }

// Saved answers one update: it is durable, or it was refused. Hocuspocus alone is
// told; the number is signed there, which makes no difference to 0 and 1.
func (w Wire) Saved(saved bool) []byte {
	if saved {
		return append(w.begin(SyncStatus, 1), 1)
	}
	return append(w.begin(SyncStatus, 1), 0)
}

// Closed says that the document is over on this socket. Hocuspocus alone is told.
func (w Wire) Closed(reason string) []byte { return appendBytes(w.begin(Close, len(reason)), reason) }
