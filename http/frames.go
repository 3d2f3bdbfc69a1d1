package http

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"unicode/utf8"
)

// Frames of WebSocket (RFC 6455, 5.2) as a server reads and writes them, without
// extensions. The framing is our own: what is sent to many sockets is framed once
// and queued by reference, and a socket at rest holds no buffer of a request.

// opcode tells frames apart.
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xa
)

func (o opcode) control() bool { return o&0x8 != 0 }

const (
	finalBit  = 0x80 // of the first byte: the message ends with this frame
	maskedBit = 0x80 // of the second byte

	maxControl = 125     // bytes of a control frame's payload
	firstRead  = 4 << 10 // a message gets room as it comes, whatever length it claims
)

// Failures of a client that end its socket.
var (
	errFrame   = errors.New("http: a frame breaks the protocol")
	errTooLong = errors.New("http: a message is too long")
)

// framed is a message as one frame, ready to be written to any number of sockets.
func framed(op opcode, payload []byte) []byte {
	return appendFrame(make([]byte, 0, len(payload)+10), op, payload)
}

// appendFrame adds a message as one frame.
func appendFrame(b []byte, op opcode, payload []byte) []byte {
	b = append(b, finalBit|byte(op))
	switch n := len(payload); {
	case n <= maxControl:
		b = append(b, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// closeFrame says goodbye, with a code and at most 123 bytes of why.
func closeFrame(code int, why string) []byte {
	payload := binary.BigEndian.AppendUint16(make([]byte, 0, maxControl), uint16(code))
	return framed(opClose, append(payload, why[:min(len(why), maxControl-2)]...))
}

// frameHead is what stands before a frame's payload.
type frameHead struct {
	op     opcode
	final  bool
	length int64
	mask   [4]byte
}

// readHead reads the head of a client's frame. What a client must not send is errFrame.
func readHead(r io.Reader) (h frameHead, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, err
	}
	h.op, h.final = opcode(b[0]&0xf), b[0]&finalBit != 0
	if b[0]&0x70 != 0 || b[1]&maskedBit == 0 || h.op > opBinary && h.op < opClose || h.op > opPong {
		return h, errFrame
	}
	h.length = int64(b[1] &^ maskedBit)
	if h.op.control() && (!h.final || h.length > maxControl) {
		return h, errFrame
	}
	switch h.length {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return h, err
		}
		h.length = int64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		if _, err := io.ReadFull(r, b[:8]); err != nil {
			return h, err
		}
		n := binary.BigEndian.Uint64(b[:8])
		if n > math.MaxInt64 {
			return h, errFrame
		}
		h.length = int64(n)
	}
	_, err = io.ReadFull(r, h.mask[:])
	return h, err
}

// readPayload adds a frame's payload to what there is of its message. The memory
// that it takes grows with what has come, so that nobody gets much for a promise.
func readPayload(r io.Reader, h frameHead, message []byte, room *capacity) ([]byte, error) {
	for left := h.length; left > 0; {
		n := int(min(left, int64(max(firstRead, len(message)))))
		at := len(message)
		if !room.take(counted(at+n) - counted(at)) {
			return message, errNoRoom
		}
		message = append(message, make([]byte, n)...)
		if _, err := io.ReadFull(r, message[at:]); err != nil {
			return message, err
		}
		unmask(message[at:], h.mask, int(h.length-left))
		left -= int64(n)
	}
	return message, nil
}

// unmask takes the mask off a part of a payload that begins at an offset.
func unmask(b []byte, mask [4]byte, offset int) {
	for ; len(b) > 0 && offset%4 != 0; offset++ {
		b[0] ^= mask[offset%4]
		b = b[1:]
	}
	wide := binary.LittleEndian.Uint32(mask[:])
	key := uint64(wide)<<32 | uint64(wide)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^key)
	}
	for i := range b {
		b[i] ^= mask[i%4]
	}
}

// closeReason reads the payload of a close frame: 1005 where it has none. What is
// no code that may be sent is errFrame.
func closeReason(payload []byte) (code int, err error) {
	if len(payload) == 0 {
		return closeNone, nil
	}
	if len(payload) < 2 || !utf8.Valid(payload[2:]) {
		return 0, errFrame
	}
	code = int(binary.BigEndian.Uint16(payload))
	if code < 1000 || code >= 1004 && code <= 1006 || code > 1014 && code < 3000 || code > 4999 {
		return 0, errFrame
	}
	return code, nil
}
