package persistencetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"atelier/messages"
)

// Take lets a request of a caller's through, or says when to come again. Now is in
// milliseconds.
type Take func(now int64, caller string, limits []messages.Limit) messages.Verdict

// LongestWindow is the longest that Limits asks for.
const LongestWindow = 60 * time.Millisecond

// throughs is the rule in so many words: all that was let through, looked at anew
// each time.
type throughs struct{ at []int64 }

func (m *throughs) inside(now int64, l messages.Limit) (n int) {
	for _, t := range m.at {
		if now-t <= l.Window.Milliseconds() {
			n++
		}
	}
	return n
}

func (m *throughs) fits(now int64, limits []messages.Limit) bool {
	for _, l := range limits {
		if m.inside(now, l) >= l.Most {
			return false
		}
	}
	return true
}

func (m *throughs) take(now int64, limits []messages.Limit) messages.Verdict {
	v := messages.Verdict{Count: len(limits)}
	if m.fits(now, limits) {
		m.at = append(m.at, now)
	} else {
		at := now
		for !m.fits(at, limits) {
			at++
		}
		v.Wait = time.Duration(at-now) * time.Millisecond
	}
	for i, l := range limits {
		used := m.inside(now, l)
		v.Left[i].Requests = max(0, l.Most-used)
		if used == 0 {
			continue
		}
		at := now
		for max(0, l.Most-m.inside(at, l)) <= v.Left[i].Requests {
			at++
		}
		v.Left[i].More = time.Duration(at-now) * time.Millisecond
	}
	return v
}

// most is the largest number in any window.
func (m *throughs) most(l messages.Limit) (n int) {
	for _, end := range m.at {
		in := 0
		for _, t := range m.at {
			if t <= end && end-t <= l.Window.Milliseconds() {
				in++
			}
		}
		n = max(n, in)
	}
	return n
}

// Limits holds a counter of requests against the rule: with any limits, requests at
// any times, and shares of the limits in between, it says what the rule says; and no
// window has more than its limit.
func Limits(t *testing.T, fresh func(t *testing.T) Take) {
	take, callers := fresh(t), 0
	rapid.Check(t, func(t *rapid.T) {
		callers++
		caller, m := fmt.Sprint("caller ", callers), &throughs{}
		limits := make([]messages.Limit, rapid.IntRange(1, messages.MaxLimits).Draw(t, "limits"))
		for i := range limits {
			limits[i] = messages.Limit{Most: rapid.IntRange(1, 12).Draw(t, "most"), Window: time.Duration(rapid.Int64Range(1, LongestWindow.Milliseconds()).Draw(t, "window")) * time.Millisecond}
		}
		now := rapid.Int64Range(1<<40-100, 1<<40+100).Draw(t, "start") // low bits run over
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += rapid.Int64Range(0, 20).Draw(t, "later")
			if rapid.IntRange(0, 30).Draw(t, "pause") == 0 {
				now += rapid.SampledFrom([]int64{60, 61, 1 << 31, 1 << 32, 1<<32 + 1}).Draw(t, "long")
			}
			asked := limits
			if rapid.IntRange(0, 5).Draw(t, "share") == 0 {
				asked = make([]messages.Limit, len(limits))
				for i, l := range limits {
					asked[i] = messages.Limit{Most: max(1, l.Most/3), Window: l.Window}
				}
			}
			require.Equal(t, m.take(now, asked), take(now, caller, asked))
		}
		for _, l := range limits {
			require.LessOrEqual(t, m.most(l), l.Most)
		}
	})
}
