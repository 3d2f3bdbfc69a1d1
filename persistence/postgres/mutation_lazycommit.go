//go:build lazycommit

package postgres

const (
	deduped = true
	whole   = true
	lazy    = true
)

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = `p.epoch = c.epoch AND p.version = c.version`
	spare = ``
)
