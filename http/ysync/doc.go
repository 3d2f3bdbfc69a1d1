// Package ysync speaks what clients of shared documents speak: the sync, awareness
// and auth messages of y-protocols (its PROTOCOL.md, sync.js, awareness.js, auth.js)
// as y-websocket frames them, and the envelope that Hocuspocus puts around the same
// messages so that one socket carries several documents.
//
// It does no I/O and holds no locks. What it parses may come from anybody: it is
// refused with an error and never with a panic, and parsing allocates less than a
// message is long. Payloads are slices of the message they came in.
package ysync
