// Package http is the edge: it turns requests into messages to entities and
// their replies into JSON. It decides no right on an
// entity and keeps no state of its own.
//
// table.go holds the one route table. Each line adds an operation with the
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
// How many requests a caller may make is counted by the user, and by the network
// where nobody is signed in or the token is not good. Everything counts, what no
// route takes too, but for the questions of balancers and browsers: /livez, /readyz,
// OPTIONS and the assets of the client for browsers.
package http
