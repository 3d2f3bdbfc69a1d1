package http

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// add queues a frame, and leaves it to flush, or to what is sent behind it, to have it
// written. It reports false where there is no room.
func (s *socket) add(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue(f)
}

// flush writes what waits, as far as the kernel takes it at once: to wake a writer for
// each of many sockets costs more than all else. What is left is the writer's.
func (s *socket) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 && !s.written() {
		s.wake()
	}
}

// flushShare is how many sockets are flushed one after another where more cores can.
const flushShare = 128

// flush flushes sockets, many of them on several cores.
func flush(all []*socket) {
	var others sync.WaitGroup
	each := func(part []*socket) {
		for _, s := range part {
			s.flush()
		}
	}
	share := max(flushShare, (len(all)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for len(all) > share {
		part := all[:share]
		all = all[share:]
		others.Go(func() { each(part) })
	}
	each(all)
	others.Wait()
}

// written reports whether all that waits was written at once. The lock is held
// meanwhile: whoever stops the socket waits as long as a system call takes, and nothing
// is on its way when he has it.
func (s *socket) written() bool {
	if s.direct == nil || s.busy || s.last != nil || s.done || !s.open() {
		return false
	}
	batch, pooled := s.collect()
	if len(batch) == 0 {
		return len(s.queue) == 0
	}
	s.mute = false
	n, err := s.direct.write(batch)
	if err == nil && n < len(batch) {
		s.begun, s.begunIn = batch[n:], pooled
		s.busy = true
		s.writes++
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeStall))
		return false
	}
	if pooled != nil {
		writeBuffers.Put(pooled)
	}
	if err != nil {
		s.shut(closeSlow)
		return true
	}
	s.change.Broadcast()
	return len(s.queue) == 0
}

// direct writes to a connection without waiting for it. One goroutine at a time does.
type direct struct {
	conn  syscall.RawConn
	try   func(fd uintptr) bool // made once: each write would make one
	bytes []byte
	n     int
	err   error
}

// directly is nil for what is no connection of the kernel's.
func directly(c net.Conn) *direct {
	below, is := c.(syscall.Conn)
	if !is {
		return nil
	}
	raw, err := below.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{conn: raw}
	d.try = func(fd uintptr) bool {
		d.n, d.err = sendNow(fd, d.bytes)
		return true
	}
	return d
}

// write reports how much of b was taken.
func (d *direct) write(b []byte) (n int, err error) {
	d.bytes, d.n, d.err = b, 0, nil
	err = d.conn.Write(d.try)
	d.bytes = nil
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // that of a write of long ago
		return 0, nil
	case err != nil:
		return 0, err
	}
	return d.n, d.err
}
