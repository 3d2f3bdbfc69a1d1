package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	scenario "atelier/test/rig"
)

// socket is a WebSocket (RFC 6455) that is read as cheaply as can be, and in the same
// way whoever the server is: a million frames a second are looked at where they lie,
// which that of test/rig, who reads objects, does not do.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	out  sync.Mutex
}

// door is where a server opens sockets.
type door struct {
	address, path   string
	protocol, token string // empty: none
	window          int    // bytes that the kernel takes for a reader that is late; 0: as it likes
	buffer          int    // bytes of the reader
}

// Opcodes of frames.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

func (d door) open() (*socket, error) {
	dialer := net.Dialer{Timeout: patience}
	if d.window > 0 {
		dialer.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			failed := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, d.window)
			})
			return errors.Join(failed, err)
		}
	}
	conn, err := dialer.Dial("tcp", d.address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, d.buffer)}
	if err := s.upgrade(d); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) upgrade(d door) error {
	head := "GET " + d.path + " HTTP/1.1\r\nHost: " + d.address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if d.protocol != "" {
		head += "Sec-WebSocket-Protocol: " + d.protocol + "\r\n"
	}
	if d.token != "" {
		head += "Authorization: Bearer " + d.token + "\r\n"
	}
	_ = s.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(s.conn, head+"\r\n"); err != nil {
		return err
	}
	var answer fasthttp.ResponseHeader
	if err := answer.Read(s.in); err != nil {
		return err
	}
	if answer.StatusCode() != fasthttp.StatusSwitchingProtocols {
		return fmt.Errorf("no socket at %s%s: status %d", d.address, d.path, answer.StatusCode())
	}
	return s.conn.SetDeadline(time.Time{})
}

// say sends a text.
func (s *socket) say(text string) error { return s.write(opText, []byte(text)) }

func (s *socket) write(op byte, payload []byte) error {
	frame := scenario.Frame(op, payload)
	s.out.Lock()
	defer s.out.Unlock()
	_, err := s.conn.Write(frame)
	return err
}

// ask says something and waits for a message with that in it.
func (s *socket) ask(text, answer string) error {
	if err := s.say(text); err != nil {
		return err
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	defer func() { _ = s.conn.SetReadDeadline(time.Time{}) }()
	for {
		found, refused := false, ""
		if err := s.next(func(piece []byte, _ bool) {
			found = found || bytes.Contains(piece, []byte(answer))
			if bytes.Contains(piece, []byte(`"err`)) {
				refused = string(piece)
			}
		}); err != nil || found {
			return err
		}
		if refused != "" {
			return fmt.Errorf("%s: %s", text, refused)
		}
	}
}

// read shows all that comes to see, until the socket ends.
func (s *socket) read(see func(piece []byte, whole bool)) error {
	for {
		if err := s.next(see); err != nil {
			return err
		}
	}
}

// next shows the next message to see: whole, or in pieces where it is larger than the
// buffer. Pings are answered. What was shown is overwritten by what follows.
func (s *socket) next(see func(piece []byte, whole bool)) error {
	for {
		op, size, err := s.head()
		if err != nil {
			return err
		}
		if op > opBinary {
			if err := s.control(op, size); err != nil {
				return err
			}
			continue
		}
		whole := size <= s.in.Size()
		for size > 0 {
			n := min(size, s.in.Size())
			piece, err := s.in.Peek(n)
			if err != nil {
				return err
			}
			see(piece, whole)
			_, _ = s.in.Discard(n)
			size -= n
		}
		return nil
	}
}

func (s *socket) head() (op byte, size int, err error) {
	b, err := s.in.Peek(2)
	if err != nil {
		return 0, 0, err
	}
	op, size = b[0]&0x0f, int(b[1]&0x7f)
	more := 0
	switch size {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if b, err = s.in.Peek(2 + more); err != nil {
		return 0, 0, err
	}
	switch more {
	case 2:
		size = int(binary.BigEndian.Uint16(b[2:]))
	case 8:
		size = int(binary.BigEndian.Uint64(b[2:]))
	}
	if b[1]&0x80 != 0 {
		size += 4 // a mask counts as payload
	}
	_, err = s.in.Discard(2 + more)
	return op, size, err
}

func (s *socket) control(op byte, size int) error {
	payload := make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return err
	}
	switch op {
	case opPing:
		return s.write(opPong, payload)
	case opClose:
		return fmt.Errorf("the server has closed the socket: %s", strings.ToValidUTF8(string(payload), "."))
	}
	return nil
}
