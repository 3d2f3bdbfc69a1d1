package rig

import (
	"io"
	"net"
	"sync"
)

// Wire is a way to a server that can be cut, and that can swallow all that is sent
// on it.
type Wire struct {
	listener net.Listener
	server   string

	mu    sync.Mutex // of everything below
	moved *sync.Cond // swallow has changed, or the end has come
	open  map[net.Conn]bool
	dumb  bool
	ended bool
}

// Wire makes a way to a server, host:port. It ends with the scenario.
func (s *Scenario) Wire(server string) *Wire {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.Must(err)
	w := &Wire{listener: listener, server: server, open: map[net.Conn]bool{}}
	w.moved = sync.NewCond(&w.mu)
	var carrying sync.WaitGroup
	carrying.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { w.carry(conn) })
		}
	})
	s.Cleanup(func() {
		listener.Close()
		w.mu.Lock()
		w.ended = true
		w.mu.Unlock()
		w.Cut()
		carrying.Wait()
	})
	return w
}

// Address is host:port of this end.
func (w *Wire) Address() string { return w.listener.Addr().String() }

// Cut resets all connections. New ones can be made.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.open {
		if tcp, is := conn.(*net.TCPConn); is {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
	w.moved.Broadcast()
}

// Swallow has nothing arrive any more, in either direction, while connections stay
// open and new ones are taken; or ends that.
func (w *Wire) Swallow(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dumb = on
	w.moved.Broadcast()
}

// carry connects one client.
func (w *Wire) carry(client net.Conn) {
	defer client.Close()
	w.keep(client, true)
	defer w.keep(client, false)
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	w.keep(server, true)
	defer w.keep(server, false)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(gate{way[1], w}, way[0])
			client.Close()
			server.Close()
		})
	}
	both.Wait()
}

func (w *Wire) keep(conn net.Conn, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.open, conn); open {
		w.open[conn] = true
	}
}

// gate lets bytes through while the wire does not swallow.
type gate struct {
	net.Conn
	wire *Wire
}

// Write implements io.Writer. What came while nothing arrived is lost with its
// connection, or arrives late.
func (g gate) Write(b []byte) (int, error) {
	g.wire.mu.Lock()
	for g.wire.dumb && !g.wire.ended && g.wire.open[g.Conn] {
		g.wire.moved.Wait()
	}
	g.wire.mu.Unlock()
	return g.Conn.Write(b)
}
