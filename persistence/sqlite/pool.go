package sqlite

import (
	"context"
	"sync"
)

// pool is a fixed number of connections, each opened at its first use and again
// after a failure. Who waits for one waits in line.
type pool struct {
	open  func() (*connection, error)
	idle  chan *connection // nil stands for one that is not open
	ended chan struct{}
	once  sync.Once
}

func newPool(size int, open func() (*connection, error)) *pool {
	p := &pool{open: open, idle: make(chan *connection, size), ended: make(chan struct{})}
	for range size {
		p.idle <- nil
	}
	return p
}

// take waits for a connection. Each must be given back, or nil for one that is
// to be opened anew.
func (p *pool) take(ctx context.Context) (c *connection, err error) {
	select {
	case <-p.ended:
		return nil, errClosed
	default:
	}
	select {
	case c = <-p.idle:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ended:
		return nil, errClosed
	}
	if c == nil {
		if c, err = p.open(); err != nil {
			p.idle <- nil
		}
	}
	return c, err
}

// use runs f with a connection.
func (p *pool) use(ctx context.Context, f func(*connection) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer func() { p.idle <- c }()
	return f(c)
}

// close waits for the connections in use and closes all.
func (p *pool) close() {
	p.once.Do(func() {
		close(p.ended)
		for range cap(p.idle) {
			if c := <-p.idle; c != nil {
				c.close()
			}
		}
	})
}
