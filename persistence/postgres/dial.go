package postgres

import (
	"cmp"
	"context"
	"net"
	"time"
)

const (
	dialTime = time.Second            // for a connection to be made
	endTime  = 500 * time.Millisecond // for one that is given up to be ended in order
)

// watched has the server notice within half a minute that a client has vanished, whose
// goodbye was lost with the network. By the system's own settings it keeps such connections
// and their locks for hours: every cut would take as many from max_connections as a node
// has. What the URL says goes before it.
func watched(parameters map[string]string) {
	for name, value := range map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "tcp_user_timeout": "25000"} {
		parameters[name] = cmp.Or(parameters[name], value)
	}
}

// dial connects for pgx, which ends a connection whose question was given up in the
// background: it connects once more, asks the server to cancel, and reads what is left,
// all for up to 15 seconds, in which the pool counts the connection still. From a server
// that has vanished nothing comes, and a pool would have none to offer when there is
// another one in its place.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTime, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if cancels(ctx) {
		return &brief{conn, time.AfterFunc(endTime, func() { conn.Close() })}, nil
	}
	return closing{conn}, nil
}

// cancels reports whether a connection is to ask the server to cancel: others have less
// time.
func cancels(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) > 2*dialTime
}

// brief is a connection that ends by itself.
type brief struct {
	net.Conn
	end *time.Timer
}

// Close implements net.Conn.
func (c *brief) Close() error {
	c.end.Stop()
	return c.Conn.Close()
}

// closing is a connection whose end has a bounded time. Nothing else sets a deadline that
// is to come.
type closing struct{ net.Conn }

// SetDeadline implements net.Conn.
func (c closing) SetDeadline(t time.Time) error {
	if latest := time.Now().Add(endTime); t.After(latest) {
		t = latest
	}
	return c.Conn.SetDeadline(t)
}
