package rig

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Socket is a WebSocket (RFC 6455) to a node's event channel.
type Socket struct {
	conn net.Conn
	in   *bufio.Reader
	out  sync.Mutex
}

// socketTime is how long a node may take to answer.
const socketTime = 15 * time.Second

// Opcodes of frames.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// ClosedError says that the other end has closed the socket, and with which code.
type ClosedError struct{ Code int }

func (e *ClosedError) Error() string { return fmt.Sprintf("the socket was closed: %d", e.Code) }

// Socket opens the event channel.
func (c *Client) Socket(ctx context.Context) (*Socket, error) {
	return DialSocket(ctx, c.address(), c.Token(ctx))
}

// Admit says hello on an event channel that a ticket opens. The answer is 200, or the
// code that the socket was closed with.
func (c *Client) Admit(ctx context.Context, ticket string) *Reply {
	status, err := admit(ctx, c.address(), ticket)
	if err != nil {
		return &Reply{Outcome: Unknown, Err: err}
	}
	return &Reply{Outcome: Answered, Status: status}
}

func admit(ctx context.Context, address, ticket string) (status int, err error) {
	socket, err := dialSocket(ctx, address, "?ticket="+ticket, "")
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	_ = socket.Send(map[string]any{"id": 1, "op": "hello"}) // where it is refused, its end says more
	_, err = socket.Receive(socketTime)
	var closed *ClosedError
	if errors.As(err, &closed) {
		return closed.Code, nil
	}
	return http.StatusOK, err
}

// Stream opens a project's server-sent events. What it returns waits for one that has
// a text in it.
func (c *Client) Stream(ctx context.Context, project string) (told func(text string) error, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address()+"/api/v1/projects/"+project+"/events", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+c.Token(ctx))
	answer, err := c.http.Do(request) //nolint:bodyclose // told closes it
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(answer.Body)
	return func(text string) error {
		defer answer.Body.Close()
		late := time.AfterFunc(patience, func() { answer.Body.Close() })
		defer late.Stop()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), text) {
				return nil
			}
		}
		return fmt.Errorf("%d, and it ended before %q: %w", answer.StatusCode, text, lines.Err())
	}, nil
}

// DialSocket opens the event channel at host:port with an access token.
func DialSocket(ctx context.Context, address, token string) (*Socket, error) {
	return dialSocket(ctx, address, "", token)
}

func dialSocket(ctx context.Context, address, query, token string) (*Socket, error) {
	conn, err := (&net.Dialer{Timeout: socketTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Socket{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	if err := s.upgrade(address, query, token); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *Socket) upgrade(address, query, token string) error {
	_ = s.conn.SetDeadline(time.Now().Add(socketTime))
	var key [16]byte
	_, _ = rand.Read(key[:])
	request, err := http.NewRequest("GET", "http://"+address+"/api/v1/realtime"+query, nil)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "atelier.v1+json",
		"Sec-WebSocket-Key": base64.StdEncoding.EncodeToString(key[:]),
	} {
		request.Header.Set(name, value)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if err := request.Write(s.conn); err != nil {
		return err
	}
	answer, err := http.ReadResponse(s.in, request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return fmt.Errorf("no socket: %d %s", answer.StatusCode, body)
	}
	return s.conn.SetDeadline(time.Time{})
}

// Close ends the socket without a word.
func (s *Socket) Close() { s.conn.Close() }

// Send sends an object.
func (s *Socket) Send(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.write(opText, text)
}

func (s *Socket) write(op byte, payload []byte) error {
	frame := Frame(op, payload)
	s.out.Lock()
	defer s.out.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(socketTime))
	_, err := s.conn.Write(frame)
	return err
}

// Frame is a frame of a client's, masked with zeros.
func Frame(op byte, payload []byte) []byte {
	frame := append(make([]byte, 0, len(payload)+14), 0x80|op)
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

// Receive reads the objects of the next frame. Pings are answered; the end is a
// *ClosedError where the other end has said why.
func (s *Socket) Receive(within time.Duration) (objects []json.RawMessage, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(within))
	var text []byte
	for {
		final, op, payload, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch op {
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
			continue
		case opPong:
			continue
		case opClose:
			code := 1005
			if len(payload) >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			return nil, &ClosedError{code}
		}
		if text = append(text, payload...); final {
			break
		}
	}
	if len(text) > 0 && text[0] == '[' {
		err = json.Unmarshal(text, &objects)
		return objects, err
	}
	return []json.RawMessage{text}, nil
}

func (s *Socket) frame() (final bool, op byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(s.in, head[:2]); err != nil {
		return false, 0, nil, err
	}
	final, op = head[0]&0x80 != 0, head[0]&0x0f
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		if _, err = io.ReadFull(s.in, head[:2]); err != nil {
			return false, 0, nil, err
		}
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		if _, err = io.ReadFull(s.in, head[:8]); err != nil {
			return false, 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[:8])
	}
	if size > 64<<20 {
		return false, 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.in, payload)
	return final, op, payload, err
}
