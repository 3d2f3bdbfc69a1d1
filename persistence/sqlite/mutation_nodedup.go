//go:build nodedup

package sqlite

const deduped = false

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `epoch = ? AND version = ?`
	spare = ``
)
