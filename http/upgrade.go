package http

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

const (
	headerProtocol = "Sec-WebSocket-Protocol"
	kernelBuffer   = 128 << 10                              // what the kernel keeps for a client that does not read; by itself it keeps megabytes
	acceptGUID     = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455, 1.3
)

// upgrade answers a WebSocket handshake (RFC 6455, 4.2) and has run serve the socket,
// on a goroutine that belongs to it. The handler returns at once: the request's
// buffers are free again, the socket leaves the requests in flight, and it counts
// among the sockets from now on. The protocol is one of those that the client offers,
// or empty.
//
// A user who has as many sockets as he may is let in to be told so by the end of this
// one: where a handshake is refused a page does not learn why, and comes again.
func (s *Server) upgrade(f *fiber.Ctx, who *party, protocol string, limits socketLimits, run func(*socket)) error {
	key, err := handshake(f)
	if err != nil {
		return err
	}
	if err := s.takesSockets(); err != nil {
		return err
	}
	whose := s.ownerOf(f, who)
	if err := s.crowded(whose); err != nil && who == nil {
		return err
	}
	accept := sha1.Sum([]byte(key + acceptGUID)) // no secret: it shows that the request was understood
	f.Status(fiber.StatusSwitchingProtocols)
	header := &f.Response().Header
	header.Set(fiber.HeaderUpgrade, "websocket")
	header.Set(fiber.HeaderConnection, "Upgrade")
	header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(accept[:]))
	if protocol != "" {
		header.Set(headerProtocol, protocol)
	}
	f.Context().Hijack(func(c net.Conn) {
		if conn, early, ok := takeOver(c); ok {
			sock := newSocket(conn, early, limits, s.holdings.lease.Trust)
			sock.reader.room = &s.sockets.arriving
			sock.owner = whose
			go s.sockets.serve(sock, run)
		}
	})
	return nil
}

// handshake checks what a client must send.
func handshake(f *fiber.Ctx) (key string, err error) {
	header := &f.Request().Header
	switch {
	case !names(header, fiber.HeaderUpgrade, "websocket"), !names(header, fiber.HeaderConnection, "upgrade"):
		return "", messages.Invalid(fiber.HeaderUpgrade, "required", "this path is for WebSocket clients: Connection: Upgrade, Upgrade: websocket")
	case string(header.Peek("Sec-WebSocket-Version")) != "13":
		f.Set("Sec-WebSocket-Version", "13")
		return "", messages.Invalid("Sec-WebSocket-Version", "format", "Sec-WebSocket-Version must be 13")
	}
	key = f.Get("Sec-WebSocket-Key")
	if nonce, err := base64.StdEncoding.DecodeString(key); err != nil || len(nonce) != 16 {
		return "", messages.Invalid("Sec-WebSocket-Key", "format", "Sec-WebSocket-Key must be 16 bytes in base64")
	}
	return key, nil
}

// names reports whether a header lists a token.
func names(h *fasthttp.RequestHeader, name, token string) bool {
	for _, line := range h.PeekAll(name) {
		for part := range bytes.SplitSeq(line, []byte{','}) {
			if strings.EqualFold(string(bytes.TrimSpace(part)), token) {
				return true
			}
		}
	}
	return false
}

// offered are the subprotocols that a client names, the ones it likes first.
func offered(f *fiber.Ctx) (all []string) {
	for _, line := range f.Request().Header.PeekAll(headerProtocol) {
		for part := range strings.SplitSeq(string(line), ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

// takeOver is the connection below a hijacked one, with what was read ahead of it: the
// reader of the request, which has room for all headers, is not kept.
func takeOver(hijacked net.Conn) (below net.Conn, early []byte, ok bool) {
	below, early, err := underneath(hijacked)
	if ours, is := below.(*conn); is {
		ours.leave()
		_ = ours.tcp.SetWriteBuffer(kernelBuffer)
		below = ours.Conn
		if secure, is := below.(*tls.Conn); is {
			below = abrupt{secure}
		}
	}
	if err == nil {
		err = below.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = below.Close()
	}
	return below, early, err == nil
}

// abrupt is TLS that ends with its connection. A socket says its own goodbye, and none
// may wait for a client that does not read: TLS would, for five seconds.
type abrupt struct{ *tls.Conn }

func (c abrupt) Close() error { return c.NetConn().Close() }

func underneath(hijacked net.Conn) (below net.Conn, early []byte, err error) {
	wraps, does := hijacked.(interface{ UnsafeConn() net.Conn })
	if !does {
		return hijacked, nil, nil
	}
	below = wraps.UnsafeConn()
	if err := below.SetReadDeadline(time.Unix(1, 0)); err != nil { // nothing but what is there
		return below, nil, err
	}
	ahead := make([]byte, maxHeader)
	n, err := hijacked.Read(ahead)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return below, bytes.Clone(ahead[:n]), err
}
