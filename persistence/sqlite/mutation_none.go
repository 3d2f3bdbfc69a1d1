//go:build !nofence && !nodedup

package sqlite

// Mutation builds take one safeguard out, to show that the proofs notice.
const deduped = true // command ids are looked at and stored

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `epoch = ? AND version = ?`
	spare = ``
)
