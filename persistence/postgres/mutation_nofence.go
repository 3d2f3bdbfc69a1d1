//go:build nofence

package postgres

const (
	deduped = true
	whole   = true
	lazy    = false
)

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `true`
	spare = ` ON CONFLICT DO NOTHING`
)
