package rig

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Slow stands before a server and passes on what comes, later.
type Slow struct {
	listener net.Listener
	server   string
	delay    atomic.Int64
}

// Slow starts one before host:port. It ends with the scenario.
func (s *Scenario) Slow(server string) *Slow {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.Must(err)
	p := &Slow{listener: listener, server: server}
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
	s.Cleanup(func() { listener.Close() })
	return p
}

// Address is host:port of it.
func (p *Slow) Address() string { return p.listener.Addr().String() }

// Delay is by how much all answers are late from now on.
func (p *Slow) Delay(by time.Duration) { p.delay.Store(int64(by)) }

func (p *Slow) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		time.Sleep(time.Duration(p.delay.Load()))
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
