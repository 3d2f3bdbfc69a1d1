package main

import (
	"context"
	"os"
	"runtime/debug"
	runtimes "runtime/metrics"
	"time"
)

// A collection costs what is alive, and by itself the runtime begins one whenever
// the heap has doubled: with little alive many times a second, and with many
// entities for a fifth of the CPU. So it may grow by twice what is alive, headroom
// included, unless GOGC says otherwise.
const (
	headroom = 12 << 20
	growth   = 200 // per cent
)

// growHeap lets the heap grow so, for as long as what it returns is kept.
func growHeap() (reserve []byte) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	return make([]byte, headroom) // never touched, so it takes no memory
}

// restHeap gives back what the heap may grow into, whenever the program rests.
func restHeap(ctx context.Context) {
	before := lookAtHeap()
	every(ctx, restLook, func() {
		now := lookAtHeap()
		if now.rests(before) {
			debug.FreeOSMemory()
		}
		before = now
	})
}

// restLook is how long a program must rest.
const restLook = time.Minute

// heap is what the heap holds, in bytes.
type heap struct {
	allocated uint64 // ever
	live      uint64 // as the last collection found it
	more      uint64 // resident beyond that: garbage, and what is free
}

// rests reports whether giving memory back is worth a collection: much is to be had,
// and as things go it will not be needed soon.
func (h heap) rests(before heap) bool {
	const little = 4 // a fourth of what lives
	return h.allocated-before.allocated < h.live/little && h.more > h.live/little
}

func lookAtHeap() heap {
	s := []runtimes.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	runtimes.Read(s)
	h := heap{allocated: s[0].Value.Uint64(), live: s[1].Value.Uint64()}
	h.more = max(s[2].Value.Uint64()+s[3].Value.Uint64()+s[4].Value.Uint64(), h.live) - h.live
	return h
}
