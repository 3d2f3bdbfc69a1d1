package http

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// sent is a connection on which somebody has sent something.
type sent struct {
	net.Conn
	io.Reader
	n int // bytes written to it
}

func (s *sent) Read(b []byte) (int, error)     { return s.Reader.Read(b) }
func (s *sent) Write(b []byte) (int, error)    { s.n += len(b); return len(b), nil }
func (s *sent) Close() error                   { return nil }
func (*sent) SetReadDeadline(time.Time) error  { return nil }
func (*sent) SetWriteDeadline(time.Time) error { return nil }

// FuzzSocketFrames sends anything to a socket: it ends, and what it has handed on is
// no longer than it may be, and no longer than what came.
func FuzzSocketFrames(f *testing.F) {
	for _, seed := range []string{
		"\x81\x82\x01\x02\x03\x04hi", "\x01\x81\x00\x00\x00\x00a\x89\x80\x00\x00\x00\x00\x80\x81\x00\x00\x00\x00b", "\x82\xfe\x00\x7e\x00\x00\x00\x00",
		"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", "\x88\x82\x00\x00\x00\x00\x03\xe8", "\x81\x81\x00\x00\x00\x00\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, came []byte) {
		const most = 4096
		s := newSocket(&sent{Reader: bytes.NewReader(came)}, nil, socketLimits{message: most, frames: 10, bytes: 1 << 16}, noLease{}.Trust)
		s.in(alwaysHeld)
		total := 0
		for {
			_, message, err := s.receive()
			if err != nil {
				break
			}
			if total += len(message); len(message) > most || total > len(came) {
				t.Fatalf("%d bytes of %d", total, len(came))
			}
		}
		if s.ended() == 0 {
			t.Fatal("it goes on")
		}
		s.abort(closeGone)
	})
}
