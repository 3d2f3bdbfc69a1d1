package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

// The event channel's mirror for those who only read one project: server-sent events
// (the HTML standard, 9.2), on the path that pages through its log.
const (
	mediaStream  = "text/event-stream"
	commentEvery = 15 * time.Second // proxies end what is silent
	streamRetry  = "retry: 2000\n\n"
)

// wantsStream reports whether the caller asks for events as they happen.
func (c *call) wantsStream() bool {
	if !c.op.Streams {
		return false
	}
	for part := range strings.SplitSeq(c.fiber.Get(fiber.HeaderAccept), ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(kind), mediaStream) && !refused(strings.ToLower(parameters)) {
			return true
		}
	}
	return false
}

// stream answers with events as they happen, and those since the position that the
// client has come to. It is a socket in all but its frames.
func (s *Server) stream(ctx context.Context, c *call, in *listEventsInput) error {
	at, err := streamFrom(c.fiber, in.Since, s.config.LogID)
	if err != nil {
		return err
	}
	if _, err := s.mayRead(ctx, c, in.ProjectID); err != nil {
		return err
	}
	if err := s.takesSockets(); err != nil {
		return err
	}
	f := c.fiber
	wire := sseWire{log: s.config.LogID, chunked: string(f.Request().Header.Protocol()) == "HTTP/1.1"}
	v := &viewer{server: s, wire: wire, project: in.ProjectID, at: at, requestID: requestID(f), ip: s.address(f).String()}
	if c.principal != nil {
		v.who = &party{c.principal, c.principal.Expires}
		if c.byCookie {
			v.who.until = c.principal.Ends
		}
	}
	whose := s.ownerOf(f, v.who)
	if err := s.crowded(whose); err != nil {
		return err
	}
	f.Set(fiber.HeaderContentType, mediaStream)
	f.Set("X-Accel-Buffering", "no") // nginx would keep it until it has much
	header := &f.Response().Header
	header.SetConnectionClose()
	if header.SetContentLength(-2); wire.chunked { // it ends with the connection
		header.SetContentLength(-1)
	}
	f.Context().HijackSetNoResponse(true)
	f.Context().Hijack(func(hijacked net.Conn) {
		head := bytes.Clone(header.Header()) // with what was added behind this
		if conn, _, ok := takeOver(hijacked); ok {
			sock := newSocket(conn, nil, channelLimits, s.holdings.lease.Trust)
			sock.owner, sock.manner, sock.mute = whose, wire.manner(), true // until the head is on its way
			go s.sockets.serve(sock, func(sock *socket) { v.run(sock, head) })
		}
	})
	return nil
}

// streamFrom is the position that the client has come to, in this log where he names
// none; nil: from now.
func streamFrom(f *fiber.Ctx, asked, of string) (*since, error) {
	if last := f.Get("Last-Event-ID"); last != "" {
		asked = last
	}
	if asked == "" {
		return nil, nil
	}
	log, number, named := strings.Cut(asked, ":")
	if !named {
		log, number = of, asked
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 0 {
		return nil, messages.Invalid("since", "format", "since must be a seq, an Atelier-Position, or the id of an event: <log>:<seq>")
	}
	return &since{Log: log, Seq: seq}, nil
}

// viewer is who reads a stream.
type viewer struct {
	server    *Server
	wire      sseWire
	project   string
	who       *party // nil: nobody, of a public project
	at        *since
	requestID string
	ip        string
}

func (v *viewer) meta() *messages.Meta {
	return v.who.signs(&messages.Meta{RequestId: v.requestID, Ip: v.ip})
}

// run is the life of a stream.
func (v *viewer) run(sock *socket, head []byte) {
	u := &subscription{server: v.server, socket: sock, wire: v.wire, project: v.project, who: v.meta}
	u.ended = func() { sock.close(closeRevoked, "") }
	if err := v.begin(sock, u, head); err != nil {
		sock.abort(closeCodeOf(err)) // the head has not gone out: the client comes again and is told why
		return
	}
	defer u.finish()
	var comment *time.Timer
	comment = time.AfterFunc(commentEvery, func() {
		sock.ping()
		if sock.ended() == 0 { // else it would outlive the stream, where it is stopped at this moment
			comment.Reset(commentEvery)
		}
	})
	defer comment.Stop()
	if v.who != nil && !v.who.until.IsZero() {
		expiry := time.AfterFunc(v.who.until.Sub(v.server.deps.Now())+expiryGrace, func() { sock.cut(closeUnauthenticated, "", nil) })
		defer expiry.Stop()
	}
	if _, err := io.Copy(io.Discard, sock.conn); !errors.Is(err, os.ErrDeadlineExceeded) { // else it was cut
		sock.abort(closeGone) // nothing more can be said to who has gone
	}
}

func (v *viewer) begin(sock *socket, u *subscription, head []byte) error {
	ctx, cancel := within(connectDeadline)
	defer cancel()
	if _, err := v.server.seat(ctx, sock, v.who); err != nil {
		return err
	}
	return u.open(ctx, v.who, v.at, func(b beginning) []byte {
		text := []byte(streamRetry)
		if b.mode == "reset" {
			text = v.wire.appendField(text, "reset", b.from, b.state)
		}
		return append(bytes.Clone(head), v.wire.chunk(text)...)
	})
}

// sseWire is how streams say things.
type sseWire struct {
	log     string
	chunked bool // else the end of the connection ends the stream
}

func (w sseWire) manner() *manner {
	m := &manner{alive: w.chunk([]byte(":\n\n")), goodbye: func(int, string) []byte { return nil }}
	if w.chunked {
		m.goodbye = func(int, string) []byte { return []byte("0\r\n\r\n") }
	}
	return m
}

// chunk makes a chunk of HTTP/1.1 (RFC 9112, 7.1).
func (w sseWire) chunk(text []byte) []byte {
	if !w.chunked {
		return text
	}
	b := append(strconv.AppendInt(make([]byte, 0, len(text)+16), int64(len(text)), 16), "\r\n"...)
	return append(append(b, text...), "\r\n"...)
}

// appendField adds an event of the stream: with an id where it has a place in the log,
// and with a name where it is not one of the project's events.
func (w sseWire) appendField(b []byte, name string, seq int64, data []byte) []byte {
	if seq >= 0 {
		b = strconv.AppendInt(append(append(append(b, "id: "...), w.log...), ':'), seq, 10)
		b = append(b, '\n')
	}
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	return append(append(append(b, "data: "...), data...), "\n\n"...)
}

func (w sseWire) encoding() string {
	if w.chunked {
		return "sse"
	}
	return "sse-1.0"
}

func (w sseWire) events(project string, all []*messages.EventRecord) []byte {
	var b []byte
	for _, e := range all {
		body, _ := json.Marshal(eventOf(e, project))
		b = w.appendField(b, "", e.GetSeq(), body)
	}
	return w.chunk(b)
}

func (w sseWire) say(name string, what any) []byte {
	body, _ := json.Marshal(what)
	return w.chunk(w.appendField(nil, name, -1, body))
}

func (w sseWire) caughtUp(project string, seq int64) []byte {
	return w.say("caught_up", map[string]any{"project_id": project, "seq": seq})
}

func (w sseWire) presence(c *messages.PresenceChange) []byte {
	return w.say("presence", presenceOf(c))
}

func (w sseWire) role(_, role string) []byte { return w.say("role", map[string]string{"role": role}) }

func (w sseWire) revoked(_, code string) []byte {
	return w.say("revoked", map[string]string{"code": code})
}

func (w sseWire) lagged(string, int64) []byte { return nil } // the stream ends: the client comes back to where it was

func (w sseWire) signal(text []byte) []byte {
	return w.chunk(w.appendField(nil, "broadcast", -1, text))
}
