//go:build !soak

package yjs

import "time"

// Sizes of the quick form.
const (
	loneTime = 40 * time.Second
	kills    = 6
	removals = 4
)
