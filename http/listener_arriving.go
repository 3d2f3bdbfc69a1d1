package http

import (
	"errors"

	"github.com/valyala/fasthttp"
)

// Requests are read whole before anybody knows whose they are. What of one is more than
// its headers may have counts until it has come, and all connections together may hold so
// much of that: a crowd of large bodies that never end takes no more of the memory.
const (
	uncounted    = maxHeader
	arrivingMost = 256 << 20
)

var errArriving = errors.New("http: more is on its way to the node than it has room for")

// arrives counts what has been read of a request, and leaves away what is too much.
func (c *conn) arrives(n int) (taken int, err error) {
	before := c.read.Load()
	c.read.Store(before + int64(n))
	counts := max(before+int64(n)-uncounted, 0) - max(before-uncounted, 0)
	if counts > 0 && c.from.arriving.Add(counts) > c.from.arrivingMost {
		return 0, errArriving
	}
	return n, nil
}

// arrived ends that: the request has come, or the connection has ended.
func (c *conn) arrived() {
	if counted := c.read.Swap(0) - uncounted; counted > 0 {
		c.from.arriving.Add(-counted)
	}
}

// uncount has a request count no more when it is carried out.
func uncount(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if c, ours := ctx.Conn().(*conn); ours {
			c.arrived()
		}
		next(ctx)
	}
}
