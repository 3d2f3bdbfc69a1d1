package messages

import "time"

// LeasedNode is a node whose lease in the database is live.
type LeasedNode struct {
	Name        string
	Incarnation int64
	Address     string    // where others reach it
	StartedAt   time.Time // of the incarnation, by the database's clock
	Exclusive   bool      // others are refused what it holds
	Struck      bool      // its lease cannot be renewed any more
}

// Cluster is what one node knows of its cluster.
type Cluster struct {
	Name  string // empty: the node is alone
	Node  string // that answers
	Nodes []Member
}

// States of a member.
const (
	MemberUp       = "up"
	MemberDraining = "draining" // it owns nothing, and serves what others own
	MemberJoining  = "joining"  // seen, and without a lease
	MemberUnseen   = "unseen"   // it has a lease, and the node that answers does not reach it
	MemberStruck   = "struck"   // its lease runs out
)

// Member is a node of a cluster, with its lease.
type Member struct {
	Name        string
	Address     string // of the connections between nodes; empty where it is alone
	State       string
	Since       time.Time        // start of the lease's incarnation, or of the process where it has none
	Incarnation int64            // 0: without a lease
	Exclusive   bool             // it answers by what it knows, without asking the database
	Entities    map[string]int64 // live there, by kind; nil: the node that answers does not know
}
