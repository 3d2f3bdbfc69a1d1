package http

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// reserved are the files that a node keeps for itself: connections to the database and
// to other nodes, and what it writes. Of few files it takes half.
const reserved = 256

// clientsMost is how many connections of clients leave a process enough of its files.
func clientsMost(files uint64) int64 {
	return int64(min(files-min(reserved, files/2), 1<<30))
}

// file is a connection that counts until it is closed, whatever is spoken over it.
type file struct {
	*net.TCPConn
	from   *listener
	closed atomic.Bool
}

// Close implements net.Conn.
func (f *file) Close() error {
	if !f.closed.Swap(true) {
		defer f.from.files.Add(-1)
	}
	return f.TCPConn.Close()
}

// Times of a listener that has no file for another connection.
const (
	firstWait = 5 * time.Millisecond
	longWait  = 100 * time.Millisecond
	sayAgain  = 10 * time.Second
)

// patient is a listener that waits where nothing can be accepted at the moment. A
// server takes that for the end of the listener, and the node would stop because it has
// too many clients.
type patient struct {
	net.Listener
	log  *slog.Logger
	said time.Time // Accept's
}

// Patient makes a listener patient.
func Patient(l net.Listener, log *slog.Logger) net.Listener { return &patient{Listener: l, log: log} }

// Accept implements net.Listener.
func (p *patient) Accept() (net.Conn, error) {
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		c, err := p.Listener.Accept()
		if err == nil || !passes(err) {
			return c, err
		}
		if now := time.Now(); now.Sub(p.said) > sayAgain {
			p.said = now
			p.log.Warn("no connection can be accepted: clients wait", "error", err, "listener", p.Addr())
		}
		time.Sleep(wait)
	}
}

// passes reports whether what kept a connection from being accepted may be over soon.
func passes(err error) bool {
	for _, passing := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET, errCrowded} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// errCrowded says that there are as many connections as there may be.
var errCrowded = errors.New("http: as many connections are open as the limit of open files has room for: raise it (ulimit -n, LimitNOFILE)")
