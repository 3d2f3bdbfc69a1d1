package http

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLargeMessagesHaveTheirRoom: what sockets have been sent of messages that do not end
// takes the room of one node, and no more. A small message needs none, and when a socket
// ends there is room again.
func TestLargeMessagesHaveTheirRoom(t *testing.T) {
	t.Parallel()
	room := &capacity{most: 300 << 10}
	hear := func(from io.Reader) *socket {
		s := newSocket(&sent{Reader: from}, nil, socketLimits{message: 1 << 20, frames: 10, bytes: 1 << 16}, noLease{}.Trust)
		s.reader.room = room
		s.in(alwaysHeld)
		return s
	}
	hangs, ends := io.Pipe()
	ended := make(chan error)
	go func() {
		s := hear(hangs)
		_, _, err := s.receive()
		s.reader.release() // as its end does
		ended <- err
	}()
	_, err := ends.Write(messageOf(1<<20, 130<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return room.held.Load() > 100<<10 }, 10*time.Second, time.Millisecond)
	s := hear(bytes.NewReader(messageOf(300<<10, 300<<10)))
	_, _, err = s.receive()
	require.ErrorIs(t, err, errNoRoom)
	require.Equal(t, closeDraining, s.ended())
	s.reader.release()
	_, message, err := hear(bytes.NewReader(messageOf(1<<10, 1<<10))).receive()
	require.NoError(t, err)
	require.Len(t, message, 1<<10)
	require.NoError(t, ends.Close())
	require.Error(t, <-ended)
	require.Zero(t, room.held.Load())
	s = hear(bytes.NewReader(bytes.Repeat(messageOf(150<<10, 150<<10), 3)))
	for range 3 {
		_, message, err = s.receive()
		require.NoError(t, err)
		require.Len(t, message, 150<<10)
		require.EqualValues(t, counted(150<<10), room.held.Load(), "until the next one it may still be held")
	}
	_, _, err = s.receive()
	require.ErrorIs(t, err, io.EOF)
	require.Zero(t, room.held.Load())
}

// messageOf is a frame of some bytes, of which so many come.
func messageOf(bytes, come int) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, uint64(bytes)), make([]byte, 4+come)...)
}
