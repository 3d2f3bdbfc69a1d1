package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProgramRestsThatAllocatesLittleAndHasMuch(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	before := heap{allocated: 1000 * mib}
	for name, c := range map[string]struct {
		now   heap
		rests bool
	}{
		"little is asked for, much is free": {heap{allocated: 1010 * mib, live: 100 * mib, more: 150 * mib}, true},
		"it is busy":                        {heap{allocated: 1100 * mib, live: 100 * mib, more: 150 * mib}, false},
		"there is little to give back":      {heap{allocated: 1010 * mib, live: 100 * mib, more: 20 * mib}, false},
	} {
		require.Equal(t, c.rests, c.now.rests(before), name)
	}
}

func TestTheHeapIsLookedAt(t *testing.T) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no collection meanwhile
	before := lookAtHeap()
	garbage := make([]byte, 8<<20)
	after := lookAtHeap()
	runtime.KeepAlive(garbage)
	require.NotZero(t, before.live)
	require.GreaterOrEqual(t, after.allocated-before.allocated, uint64(len(garbage)))
	require.GreaterOrEqual(t, after.more, uint64(len(garbage)), "the last collection knows nothing of it")
}
