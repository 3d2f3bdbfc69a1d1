//go:build tornclaim

package postgres

const (
	deduped = true
	whole   = false
	lazy    = false
)

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `p.epoch = c.epoch AND p.version = c.version`
	spare = ``
)
