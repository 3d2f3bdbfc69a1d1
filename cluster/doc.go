// Package cluster is what makes a process a node: its lease in the database, and
// its membership among the other nodes.
//
// A node may answer from memory only while it knows that its lease holds. The
// lease is renewed each second; the node trusts it until its own monotonic
// clock, read before the renewal was sent, has advanced by the lease's TTL less
// a margin. For all others only a burial ends it, so a slow clock here can cost
// availability and never correctness. A lapsed lease is not renewed: the node
// takes a new incarnation and forgets what the old one held.
//
// Several processes may work on one database without forming a cluster. They
// cannot ask each other to release an entity, so a node that sees such a
// neighbour gives up exclusivity: others may take its rows, and it verifies each
// answer by the fence until the neighbour has gone. Nodes of one cluster can ask
// each other, and are exclusive together; when they cannot reach each other, the
// weak side of the split gives exclusivity up, and the strong one strikes what
// holds on to it.
//
// Nodes of one cluster find each other by gossip. Membership tells who is there
// as a View, one after another from one goroutine; a view may be wrong at any
// moment and says only whom to ask. It is told until Leave. Meetings calls whoever
// is new in it, from a goroutine for each until it answers or Stop, and passes the
// view on with who has not answered yet: nothing is placed there.
//
// Transport owns the connections and the calls under way, between Start and Stop;
// each call is ended by whoever takes it out of its shard. Caller asks the owner
// of an entity by the view, Gate answers peers: it owns a goroutine for each
// request, and Close waits for them. The gate closes first, then the runtime
// stops, then the transport. Nothing that a peer sends ends the process.
package cluster
