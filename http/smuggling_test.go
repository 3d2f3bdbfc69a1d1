package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// served is the edge on a socket of its own.
func served(t *testing.T, s *Server) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Shutdown(t.Context())
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// exchange sends bytes and returns all that comes until the server hangs up, or
// falls silent.
func exchange(t *testing.T, address, request string) (answer string, hungUp bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	var all bytes.Buffer
	buffer := make([]byte, 4096)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(700 * time.Millisecond))
		n, err := conn.Read(buffer)
		all.Write(buffer[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all.String(), false
		}
		if err != nil {
			return all.String(), true
		}
	}
}

// TestNoRequestIsSmuggled: what proxies and servers have been known to read
// differently is refused, once, and the connection ends, so that nothing behind it is
// taken for another request.
func TestNoRequestIsSmuggled(t *testing.T) {
	t.Parallel()
	address := served(t, fakeServer())
	const hidden = "GET /problems/not_found HTTP/1.1\r\nHost: x\r\n\r\n"
	post := "POST " + base + "/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, request := range map[string]string{
		"length and chunks":          post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks and length":          post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + hidden,
		"lower-case chunks":          post + "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":                post + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + hidden,
		"two equal lengths":          post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"a list of lengths":          post + "Content-Length: 2, 2\r\n\r\n{}" + hidden,
		"a signed length":            post + "Content-Length: +2\r\n\r\n{}" + hidden,
		"a negative length":          post + "Content-Length: -2\r\n\r\n{}" + hidden,
		"a hexadecimal length":       post + "Content-Length: 0x2\r\n\r\n{}" + hidden,
		"an empty length":            post + "Content-Length: \r\n\r\n{}" + hidden,
		"a length with an underline": post + "Content-Length: 0_2\r\n\r\n{}" + hidden,
		"a huge length":              post + "Content-Length: 99999999999999999999\r\n\r\n{}" + hidden,
		"a length and more":          post + "Content-Length: 2 x\r\n\r\n{}" + hidden,
		"two codings":                post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"a list of codings":          post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"an unknown coding":          post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"gzip, chunked":              post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":   post + "Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"a tab before the colon":     post + "Content-Length\t: 2\r\n\r\n{}" + hidden,
		"a space in a name":          post + "Content Length: 2\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"a control character":        post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + hidden,
		"NUL in a value":             post + "X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"NUL in a name":              post + "X\x00: a\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"a folded line":              post + "X: a\r\n Content-Length: 40\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"a folded length":            post + "Content-Length:\r\n 2\r\n\r\n{}" + hidden,
		"a folded coding":            post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a bare LF":                  post + "X: a\nContent-Length: 2\r\n\r\n{}" + hidden,
		"bare LFs":                   strings.ReplaceAll(post+"Content-Length: 2\r\n\r\n{}", "\r\n", "\n") + hidden,
		"a bare CR":                  post + "X: a\rContent-Length: 40\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"no colon":                   post + "Content-Length 2\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"no name":                    post + ": x\r\nContent-Length: 2\r\n\r\n{}" + hidden,
		"two hosts":                  "GET /problems HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden,
		"no host":                    "GET /problems HTTP/1.1\r\n\r\n" + hidden,
		"two tokens":                 "GET " + base + "/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer good\r\n\r\n" + hidden,
		"chunks in HTTP/1.0":         strings.Replace(post, "HTTP/1.1", "HTTP/1.0", 1) + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"HTTP/0.9":                   "GET /problems\r\n\r\n" + hidden,
		"HTTP/1.2":                   "GET /problems HTTP/1.2\r\nHost: x\r\n\r\n" + hidden,
		"HTTP/2.0":                   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"a space in the path":        "GET /problems HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n" + hidden,
		"a size that is no number":   post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a signed size":              post + "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a huge size":                post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a size with a bare LF":      post + "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + hidden,
		"an extension with an LF":    post + "Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk that is longer":     post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, hungUp := exchange(t, address, request)
			require.Equal(t, 1, strings.Count(answer, "HTTP/1.1 "), "%s", answer)
			require.Regexp(t, `^HTTP/1\.1 (400|413) `, answer)
			require.Contains(t, answer, "application/problem+json")
			require.True(t, hungUp, "the connection goes on: %s", answer)
		})
	}
	// And what is well-formed gets through, one after the other.
	fine := post + "Content-Length: 2\r\n\r\n{}" + post + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n" + hidden
	answer, hungUp := exchange(t, address, fine)
	require.Equal(t, 3, strings.Count(answer, "HTTP/1.1 "), "%s", answer)
	require.Equal(t, 2, strings.Count(answer, `"code":"validation_failed"`))
	require.False(t, hungUp)
}

// TestSlowClientsAreCutOff: who sends a byte now and then, in the headers or in the
// body, does not hold a connection for longer than a request may take to come.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	s := fakeServer()
	s.app.Server().ReadTimeout, s.app.Server().IdleTimeout = patience, patience
	address := served(t, s)
	for name, begun := range map[string]string{
		"headers": "GET /problems HTTP/1.1\r\nHost: x\r\nX: ",
		"a body":  "POST " + base + "/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"chunks":  "POST " + base + "/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{",
		"nothing": "G",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, begun)
			require.NoError(t, err)
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				close(ended)
			}()
			drip := time.NewTicker(patience / 20)
			defer drip.Stop()
			for began := time.Now(); ; {
				select {
				case <-ended:
					return
				case <-drip.C:
					require.Less(t, time.Since(began), 20*patience, "it drips on")
					_, _ = io.WriteString(conn, "x")
				}
			}
		})
	}
}

// TestLargeBodiesHaveTheirRoom: bodies that do not end take the room of one node, and no
// more: another large one is refused, small ones are not, and when those have gone there is
// room again.
func TestLargeBodiesHaveTheirRoom(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	s.arriving.most = 100 << 10
	address := served(t, s)
	login := func(size, sent int) string {
		return fmt.Sprintf("POST %s/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", base, size, strings.Repeat(" ", sent))
	}
	hangs, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer hangs.Close()
	_, err = io.WriteString(hangs, login(1<<20, 90<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.arriving.held.Load() > 64<<10 }, 10*time.Second, time.Millisecond)
	answer, hungUp := exchange(t, address, login(300<<10, 300<<10))
	require.True(t, hungUp)
	require.Contains(t, answer, " 503 ")
	require.Contains(t, answer, "Retry-After: 1")
	require.Contains(t, answer, `"code":"overloaded"`)
	answer, _ = exchange(t, address, login(1<<10, 1<<10))
	require.Contains(t, answer, `"code":"malformed_json"`)
	hangs.Close()
	require.Eventually(t, func() bool { return s.arriving.held.Load() == 0 }, 10*time.Second, time.Millisecond)
	for range 3 {
		answer, _ = exchange(t, address, login(60<<10, 60<<10))
		require.Contains(t, answer, `"code":"malformed_json"`)
	}
	require.Eventually(t, func() bool { return s.arriving.held.Load() == 0 }, 10*time.Second, time.Millisecond)
}
