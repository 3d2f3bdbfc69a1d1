package http

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"time"
	"unicode/utf8"
)

var (
	errEnded   = errors.New("http: the socket has ended")
	errStopped = errors.New("http: the socket may not show the rest")
	errNotText = errors.New("http: a text is no UTF-8")
	errFlood   = errors.New("http: too many control frames")
	errNoRoom  = errors.New("http: no room for another large message")
)

const readBuffer = 512 // of a socket at rest

// frameReader reads messages from a connection.
type frameReader struct {
	from    *bufio.Reader
	max     int       // bytes of a message
	held    int       // of the room, by the last message
	room    *capacity // for messages that have not come to their end; nil: any
	control bucket
	heard   time.Time // when the client was last given its time to say something
}

func newFrameReader(conn net.Conn, early []byte, limit int) *frameReader {
	var from io.Reader = conn
	if len(early) > 0 {
		from = io.MultiReader(bytes.NewReader(early), conn)
	}
	return &frameReader{from: bufio.NewReaderSize(from, readBuffer), max: limit, control: newBucket(controlRate, 10*controlRate)}
}

// goodbye is a client's close.
type goodbye struct{ code int }

func (goodbye) Error() string { return "http: the client has closed the socket" }

// next is the next message, put together from its frames. Control frames between
// them go to the socket as they come; the client's close is a goodbye.
func (r *frameReader) next(s *socket) (opcode, []byte, error) {
	var op opcode
	var message []byte
	r.release()
	defer func() { r.held = counted(len(message)) }()
	for {
		s.expect()
		h, err := readHead(r.from)
		if err != nil {
			return 0, nil, err
		}
		if h.op.control() {
			if err := r.take(s, h); err != nil {
				return 0, nil, err
			}
			continue
		}
		if (h.op == opContinuation) != (op != 0) {
			return 0, nil, errFrame
		}
		if h.length > int64(r.max-len(message)) {
			return 0, nil, errTooLong
		}
		if op == 0 {
			op = h.op
		}
		if message, err = readPayload(r.from, h, message, r.room); err != nil {
			return 0, nil, err
		}
		if h.final {
			if op == opText && !utf8.Valid(message) {
				return 0, nil, errNotText
			}
			return op, message, nil
		}
		if h.length == 0 && !r.control.take(time.Now()) { // pieces of nothing
			return 0, nil, errFlood
		}
	}
}

// release gives the room of the last message back: it has been taken, or the socket ends.
func (r *frameReader) release() {
	r.room.free(r.held)
	r.held = 0
}

// take handles a control frame.
func (r *frameReader) take(s *socket, h frameHead) error {
	payload, err := readPayload(r.from, h, nil, nil)
	if err != nil {
		return err
	}
	if !r.control.take(time.Now()) {
		return errFlood
	}
	switch h.op {
	case opPing:
		s.pong(payload)
	case opClose:
		code, err := closeReason(payload)
		if err != nil {
			return err
		}
		return goodbye{code}
	default: // a pong: that it has come is enough
	}
	return nil
}

// receive is the client's next message, once it may take effect. With an error the
// socket has begun to end.
func (s *socket) receive() (op opcode, message []byte, err error) {
	op, message, err = s.reader.next(s)
	var bye goodbye
	switch {
	case err == nil:
		if s.pass() {
			return op, message, nil
		}
		return 0, nil, errEnded
	case errors.Is(err, errFrame):
		s.close(closeBadFrame, "a frame breaks the protocol")
	case errors.Is(err, errNotText):
		s.close(closeBadFrame, "a text is no UTF-8")
	case errors.Is(err, errTooLong):
		s.close(closeTooLarge, "a message is too long")
	case errors.Is(err, errNoRoom):
		s.close(closeDraining, "the node has no room for another large message: come again in a moment")
	case errors.Is(err, errFlood):
		s.close(closeAbuse, "too many control frames")
	case errors.As(err, &bye):
		s.answer(bye.code)
	case s.ended() != 0: // it was cut
	default:
		s.abort(closeGone)
	}
	return 0, nil, err
}

// takes has the socket take messages of so many bytes from now on. Its reader calls it.
func (s *socket) takes(message int) { s.reader.max = message }

// expect gives the client its time to say something. Of many messages in a second the
// first one does.
func (s *socket) expect() {
	now := time.Now()
	if now.Sub(s.reader.heard) < time.Second {
		return
	}
	s.reader.heard = now
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil && !s.done {
		_ = s.conn.SetReadDeadline(now.Add(deadAfter))
	}
}

// end closes the connection once the client has heard the goodbye, or has had its
// time. What it still sends is thrown away: else a reset would overtake the goodbye.
func (s *socket) end() {
	s.reader.release()
	s.close(closeNormal, "")
	s.mu.Lock()
	for !s.said && !s.done || s.busy {
		s.change.Wait()
	}
	done := s.done
	if !done {
		if half, can := s.conn.(interface{ CloseWrite() error }); can {
			_ = half.CloseWrite()
		}
		_ = s.conn.SetReadDeadline(time.Now().Add(closeTime))
	}
	s.mu.Unlock()
	if !done {
		_, _ = io.CopyN(io.Discard, s.reader.from, lingerBytes)
		s.abort(closeGone)
	}
}

// bucket lets through so many things a second, and some more at once.
type bucket struct {
	every time.Duration
	burst int
	full  time.Time // when it will be
}

func newBucket(rate, burst int) bucket {
	return bucket{every: time.Second / time.Duration(rate), burst: burst}
}

// take takes one, if there is one.
func (b *bucket) take(now time.Time) bool {
	if b.full.Before(now) {
		b.full = now
	}
	if b.full.Sub(now) > time.Duration(b.burst-1)*b.every {
		return false
	}
	b.full = b.full.Add(b.every)
	return true
}
