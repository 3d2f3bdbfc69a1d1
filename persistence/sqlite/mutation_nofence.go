//go:build nofence

package sqlite

const deduped = true

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `(true OR epoch = ? AND version = ?)`
	spare = ` ON CONFLICT DO NOTHING`
)
