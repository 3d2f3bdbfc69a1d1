package actors

import (
	"math/rand/v2"
	"time"
)

const (
	leastIdle  = 2 * time.Second        // of what is passivated early; slots know seconds
	sweepPause = 250 * time.Millisecond // from one sweep of a crowd to the next
)

// janitor passivates entities that were idle for long, and at once where there are
// too many.
func (r *Runtime) janitor() {
	tick := time.NewTicker(r.config.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			r.sweep(time.Now())
		case <-r.crowded:
			r.sweep(time.Now())
			await(r.stop, sweepPause)
		}
	}
}

// callJanitor is for who finds that there are too many entities.
func (r *Runtime) callJanitor() {
	select {
	case r.crowded <- struct{}{}:
	default: // he was called
	}
}

func (r *Runtime) sweep(now time.Time) {
	idle, jitter := r.config.IdleAfter, 0.2
	if excess := r.directory.live.Load() - r.config.MaxEntities; excess > 0 {
		idle, jitter = r.longestIdle(excess+r.config.MaxEntities/5, now), 0 // looking at all has its price
	}
	r.letGo(r.stop, passivate{}, func(at *slot) bool {
		return at.idle(now).Seconds() >= idle.Seconds()*(1-jitter+2*jitter*rand.Float64())
	})
}

// longestIdle is how long n entities, or some more, have been idle at least.
func (r *Runtime) longestIdle(n int64, now time.Time) time.Duration {
	since := make([]int64, int(r.config.IdleAfter/time.Second)+1) // entities by the seconds they were idle for
	r.directory.each(func(at *slot) {
		since[min(max(int(at.idle(now)/time.Second), 0), len(since)-1)]++
	})
	for seconds := len(since) - 1; seconds > int(leastIdle/time.Second); seconds-- {
		if n -= since[seconds]; n <= 0 {
			return time.Duration(seconds) * time.Second
		}
	}
	return leastIdle
}

// Entities are let go of in slices, with a pause after each for as long as it took,
// so that it takes half of the processors' time at most from those who wait for
// something.
const (
	sliceSize  = 256
	sliceWait  = 20 * time.Millisecond // for the last of a slice to stop: in a flight it may take far longer
	slicePause = time.Millisecond      // at least, after a slice
)

// letGo tells the entities that are not wanted any more. It returns when all of them
// have been told, or stop is closed.
func (r *Runtime) letGo(stop <-chan struct{}, farewell any, unwanted func(at *slot) bool) {
	told, began := 0, time.Now()
	r.directory.each(func(at *slot) {
		if closed(stop) || !unwanted(at) {
			return
		}
		r.tell(at.pid, farewell)
		if told++; told%sliceSize == 0 {
			await(at.closed, sliceWait)
			await(stop, max(time.Since(began), slicePause))
			began = time.Now()
		}
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// await waits for something, but no longer than that.
func await(done <-chan struct{}, atMost time.Duration) {
	select {
	case <-done:
	case <-time.After(atMost):
	}
}
