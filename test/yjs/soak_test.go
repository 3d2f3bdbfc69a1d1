//go:build soak

package yjs

import (
	"time"

	"atelier/test/rig"
)

// Sizes of the long form, or the share of them that ATELIER_RIG_SHARE asks for.
var (
	kills    = rig.Long(1_000)
	removals = rig.Long(200)
)

const loneTime = 65 * time.Second
