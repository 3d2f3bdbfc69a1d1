// Package http is the edge: it turns requests into messages to entities and
// their replies into JSON. It decides no right on an
// entity and keeps none of its state; what it keeps are its sockets, and what they may do.
//
// The route table is in table.go, and for the larger resources beside their handlers, in
// functions that are called table and what they are about. Each line adds an operation with the
// permission it asks for and the problems it may answer; the OpenAPI document,
// the validation of bodies and the routes come from that same line. A request
// passes, in this order: request id and headers, in-flight limit, deadline,
// authentication, the caller's budget, binding and validation, the handler,
// rendering.
//
// Sockets outlive their request. upgrade.go takes them over, socket.go is one,
// sockets.go has all of the node and holdings.go what they may do. Each has a goroutine
// that reads and hands on what comes. Whoever tells many sockets something writes it to
// each as far as the kernel takes it at once, and what it does not take is written by a
// goroutine that the socket has while something waits; one more for all of them sends
// heartbeats and follows the node's lease. Shutdown ends them.
//
// realtime.go and what begins so is the event channel, sse.go its mirror, and a subscription
// what both tell of one project. The sockets of documents are in files that begin with yjs:
// a room has all members of a document on this node, and each wire its own admission.
//
// How many requests a caller may make is counted by the user, and by the network
// where nobody is signed in or the token is not good. Everything counts, what no
// route takes too, but for the questions of balancers and browsers: /livez, /readyz,
// OPTIONS and the assets of the client for browsers.
package http
