package messages

import "time"

// Limit is how often something may happen: at most Most times in any Window.
type Limit struct {
	Name   string
	Most   int
	Window time.Duration
}

// MaxLimits is how many limits hold for a caller at one time.
const MaxLimits = 2

// Verdict is what the limits say of one request. A request that is refused has
// used nothing.
type Verdict struct {
	Wait  time.Duration // 0: let through; else how long until another one may be
	Count int           // of limits
	Left  [MaxLimits]Left
}

// Left is where a caller stands with one limit, after the request.
type Left struct {
	Requests int           // that are left
	More     time.Duration // until there is one more; 0: none has been used
}
