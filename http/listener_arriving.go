package http

import (
	"errors"

	"github.com/valyala/fasthttp"
)

// Requests are read whole before anybody knows whose they are. All connections together
// hold so much of them: a crowd of large bodies that never end takes no more of the memory.
var errArriving = errors.New("http: more is on its way to the node than it has room for")

// arrives counts what has been read of a request, and leaves away what is too much.
func (c *conn) arrives(n int) (taken int, err error) {
	before := int(c.read.Load())
	if !c.from.arriving.take(counted(before+n) - counted(before)) {
		return 0, errArriving
	}
	c.read.Store(int64(before + n))
	return n, nil
}

// arrived ends that: the request has come, or the connection has ended.
func (c *conn) arrived() { c.from.arriving.free(counted(int(c.read.Swap(0)))) }

// uncount has a request count no more when it is carried out.
func uncount(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if c, ours := ctx.Conn().(*conn); ours {
			c.arrived()
		}
		next(ctx)
	}
}
