//go:build !nofence && !tornclaim && !nodedup && !lazycommit

package postgres

// Mutation builds take one safeguard out, to show that the proofs notice.
const (
	deduped = true  // command ids are looked at and stored
	whole   = true  // a claim loads in a statement of its own
	lazy    = false // a commit may be on its way to the disk when it is reported
)

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `p.epoch = c.epoch AND p.version = c.version`
	spare = ``
)
