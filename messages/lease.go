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
