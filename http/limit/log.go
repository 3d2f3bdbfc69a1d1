package limit

import (
	"time"

	"atelier/messages"
)

// log is when the latest requests of one caller were let through.
type log struct {
	last  int64    // of the newest, in milliseconds
	times []uint32 // ring of the same, without their high bits: none is older than the longest window
	first int
	n     int
	owed  int // of the newest: those that the nodes' common log does not have
}

// smallest ring; most callers do not come often.
const smallest = 4

// take lets a request through, or says when to come again. Time does not go
// backwards: an earlier now than the newest request's is taken for that one's.
func (l *log) take(now int64, limits []messages.Limit) messages.Verdict {
	now = l.forget(now, limits)
	v := messages.Verdict{Count: len(limits)}
	var inside [messages.MaxLimits]int
	for i := range limits {
		inside[i] = l.since(now, limits[i].Window)
		if inside[i] >= limits[i].Most {
			v.Wait = max(v.Wait, l.leaves(l.n-limits[i].Most, now, limits[i].Window))
		}
	}
	if v.Wait == 0 {
		l.add(now, limits)
	}
	for i := range limits {
		if v.Wait == 0 {
			inside[i]++
		}
		if inside[i] > 0 {
			v.Left[i] = messages.Left{
				Requests: max(0, limits[i].Most-inside[i]),
				More:     l.leaves(l.n-min(inside[i], limits[i].Most), now, limits[i].Window),
			}
		} else {
			v.Left[i].Requests = limits[i].Most
		}
	}
	return v
}

// forget drops what has left every window: the high bits that times are kept
// without must not be missed.
func (l *log) forget(now int64, limits []messages.Limit) int64 {
	now = max(now, l.last)
	if l.idle(now, limits) {
		l.first, l.n = 0, 0
	}
	for window := longest(limits).Milliseconds(); l.n > 0 && l.age(0, now) > window; l.n-- {
		l.first = (l.first + 1) % len(l.times)
	}
	l.owed = min(l.owed, l.n)
	return now
}

// idle reports whether the log says nothing any more.
func (l *log) idle(now int64, limits []messages.Limit) bool {
	return l.n == 0 || now-l.last > longest(limits).Milliseconds()
}

func longest(limits []messages.Limit) (w time.Duration) {
	for i := range limits {
		w = max(w, limits[i].Window)
	}
	return w
}

func largest(limits []messages.Limit) (n int) {
	for i := range limits {
		n = max(n, limits[i].Most)
	}
	return n
}

// age of the i-th request, the oldest being the first.
func (l *log) age(i int, now int64) int64 {
	return int64(uint32(now) - l.times[(l.first+i)%len(l.times)])
}

// since counts the requests in the window that ends now. Ages fall from the first
// to the last, so the border is found by halving.
func (l *log) since(now int64, window time.Duration) int {
	from, to := 0, l.n
	for from < to {
		middle := (from + to) / 2
		if l.age(middle, now) > window.Milliseconds() {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return l.n - from
}

// claim is when the owed ones were, and says that they are owed no more.
func (l *log) claim() (times []int64) {
	for i := l.n - l.owed; i < l.n; i++ {
		times = append(times, l.last-l.age(i, l.last))
	}
	l.owed = 0
	return times
}

// leaves is how long until the i-th request is out of the window.
func (l *log) leaves(i int, now int64, window time.Duration) time.Duration {
	return time.Duration(window.Milliseconds()+1-l.age(i, now)) * time.Millisecond
}

// add puts a request into the log. A full ring drops its oldest, which is out of
// every window: else some limit would have been reached.
func (l *log) add(now int64, limits []messages.Limit) {
	if l.n == len(l.times) {
		l.grow(largest(limits))
	}
	if l.n == len(l.times) {
		l.first, l.n = (l.first+1)%len(l.times), l.n-1
	}
	l.times[(l.first+l.n)%len(l.times)] = uint32(now)
	l.last, l.n = now, l.n+1
}

func (l *log) grow(most int) {
	size := min(max(smallest, 2*len(l.times)), most)
	if size <= len(l.times) {
		return
	}
	times := make([]uint32, size)
	for i := range l.n {
		times[i] = l.times[(l.first+i)%len(l.times)]
	}
	l.times, l.first = times, 0
}
