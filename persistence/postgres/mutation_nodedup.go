//go:build nodedup

package postgres

const (
	deduped = false
	whole   = true
)

// held is what a commit asks of the row it changes; spare is what the log does
// with a position that is taken.
const (
	held  = ` AND p.epoch = c.held_epoch AND p.version = c.held_version`
	spare = ``
)
