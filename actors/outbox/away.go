package outbox

import (
	"sync"
	"time"
)

// away is since when, and why, nothing can be sent.
type away struct {
	mu     sync.Mutex // of everything below
	from   time.Time
	reason string
}

// begin reports whether it was otherwise before.
func (a *away) begin(err error) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reason = err.Error()
	if !a.from.IsZero() {
		return false
	}
	a.from = time.Now()
	return true
}

func (a *away) end() (took time.Duration, was bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from.IsZero() {
		return 0, false
	}
	took, a.from, a.reason = time.Since(a.from), time.Time{}, ""
	return took, true
}

func (a *away) since() (time.Duration, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from.IsZero() {
		return 0, ""
	}
	return time.Since(a.from), a.reason
}
