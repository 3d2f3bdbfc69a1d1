package http

import "sync/atomic"

// arrivingMost is how much of what clients are sending a node holds at one time, of
// requests and of messages on sockets each.
const arrivingMost = 256 << 20

// uncounted is how much of a request or of a message counts for nothing, as its headers.
const uncounted = maxHeader

// capacity is what may be held at one time, in bytes.
type capacity struct {
	most int64
	held atomic.Int64
}

// take reports whether there is room for so much more, which is to be freed later.
func (c *capacity) take(n int) bool {
	if c == nil || n <= 0 {
		return true
	}
	if c.held.Add(int64(n)) <= c.most {
		return true
	}
	c.held.Add(int64(-n))
	return false
}

func (c *capacity) free(n int) {
	if c != nil && n > 0 {
		c.held.Add(int64(-n))
	}
}

// counted is how much of so many bytes counts.
func counted(bytes int) int { return max(bytes-uncounted, 0) }
