package http

import (
	"context"
	"time"
)

// unbound is where what is done for a request begins. It is not the connection's context:
// that ends with a shutdown, which must let requests finish, and has the next request's
// values while a connection to the database is still being made with this one's.
func unbound() context.Context { return context.Background() }

// within is the time for what is done beside a request, or after it, as sockets do.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(unbound(), d)
}
