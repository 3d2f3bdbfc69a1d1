// Package redis shares what all nodes must agree on quickly and may forget: how many
// requests callers have made, and values that are costly to work out. Nothing here is the truth of anything; Redis may be
// slow, go away and come back empty at any time, and whoever asks must know what to do
// then.
//
// A Limits owns a few goroutines. Requests that arrive while one round trip is under
// way travel together in the next one; there is no timer. Close ends them and fails
// what still waits.
package redis
