package http

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// socketPair is a socket, and the client's end of its connection.
func socketPair(t *testing.T) (*socket, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	conn, err := l.Accept()
	require.NoError(t, err)
	s := newSocket(conn, nil, socketLimits{message: 10, frames: 1 << 20, bytes: 1 << 30}, noLease{}.Trust)
	s.in(alwaysHeld)
	t.Cleanup(func() {
		s.abort(closeGone)
		client.Close()
		require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.busy }, 20*time.Second, time.Millisecond)
	})
	return s, client
}

func (s *socket) writing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kick != nil
}

// waiting is how many bytes are queued.
func (s *socket) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued
}

// TestWhatIsFlushedNeedsNoWriter: what the kernel takes at once is written by whoever
// brings it, all that waits together.
func TestWhatIsFlushedNeedsNoWriter(t *testing.T) {
	t.Parallel()
	s, client := socketPair(t)
	for range 3 {
		require.True(t, s.add(frame{bytes: []byte("one ")}))
		require.True(t, s.add(frame{bytes: []byte("two ")}))
		s.flush()
		require.False(t, s.writing())
		got := make([]byte, 8)
		_, err := io.ReadFull(client, got)
		require.NoError(t, err)
		require.Equal(t, "one two ", string(got))
	}
}

// TestWhatTheKernelDoesNotTakeIsTheWriters: a client that does not read gets all of it
// in its order when it does, whoever wrote it.
func TestWhatTheKernelDoesNotTakeIsTheWriters(t *testing.T) {
	t.Parallel()
	s, client := socketPair(t)
	const size = 10_000
	sent := uint64(0)
	send := func() {
		b := binary.BigEndian.AppendUint64(make([]byte, 0, size), sent)
		require.True(t, s.add(frame{bytes: b[:size]}))
		s.flush()
		sent++
	}
	for !s.writing() {
		send()
	}
	for range 100 {
		send()
	}
	got := make([]byte, size)
	for n := range sent {
		_, err := io.ReadFull(client, got)
		require.NoError(t, err)
		require.Equal(t, n, binary.BigEndian.Uint64(got))
		require.Equal(t, make([]byte, size-8), got[8:])
	}
	require.Eventually(t, func() bool { return !s.writing() }, 20*time.Second, time.Millisecond)
	send() // as at first, when the writer has gone
	require.False(t, s.writing())
}

// TestNothingIsFlushedWhileTheGateIsShut: what comes meanwhile waits, and is written
// when the gate opens, or never.
func TestNothingIsFlushedWhileTheGateIsShut(t *testing.T) {
	t.Parallel()
	s, client := socketPair(t)
	right := &hold{socket: s}
	s.stop()
	s.settled()
	require.True(t, s.add(frame{bytes: []byte("lost"), of: right}))
	require.True(t, s.add(frame{bytes: []byte("kept")}))
	s.flush()
	require.Equal(t, 8, s.waiting())
	right.dead.Store(true)
	s.goOn()
	got := make([]byte, 4)
	_, err := io.ReadFull(client, got)
	require.NoError(t, err)
	require.Equal(t, "kept", string(got))
}

// TestARightThatEndsInAFrameEndsTheConnection: the rest of what was begun is not shown
// to a client that does not take it in a moment.
func TestARightThatEndsInAFrameEndsTheConnection(t *testing.T) {
	t.Parallel()
	s, client := socketPair(t)
	require.True(t, s.add(frame{bytes: make([]byte, 64<<20)})) // far more than the kernel takes
	s.flush()
	s.stop()
	s.settled()
	require.Equal(t, closeSlow, s.ended())
	_, _ = io.Copy(io.Discard, client) // ends
}
