package rig

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Proxy stands before a node and loses answers: the request arrives, is carried
// out and answered, and the caller sees the connection end without a byte.
type Proxy struct {
	listener net.Listener
	node     *Node
	lose     func() bool
	lost     atomic.Int64
}

// Proxy starts a proxy that asks for each connection whether to lose its answer.
// It ends with the scenario.
func (s *Scenario) Proxy(n *Node, lose func() bool) *Proxy {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.Must(err)
	p := &Proxy{listener: listener, node: n, lose: lose}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.carry(conn) })
		}
	})
	s.Cleanup(func() {
		listener.Close()
		open.Wait()
	})
	return p
}

// Address is host:port of the proxy.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Lost is how many answers were lost so far.
func (p *Proxy) Lost() int64 { return p.lost.Load() }

func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.node.Address())
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }() // ends when either side is closed
	if !p.lose() {
		_, _ = io.Copy(client, server)
		return
	}
	// The first byte of the answer says that the request was carried out.
	if _, err := io.ReadFull(server, make([]byte, 1)); err == nil {
		p.lost.Add(1)
	}
}
