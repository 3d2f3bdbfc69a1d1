package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// collector takes traces over OTLP/HTTP and forgets them.
type collector struct {
	url     string
	server  http.Server
	batches atomic.Int64
	bytes   atomic.Int64
}

func collect() (*collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{url: "http://" + l.Addr().String()}
	c.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n, _ := io.Copy(io.Discard, q.Body)
		c.batches.Add(1)
		c.bytes.Add(n)
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty answer says that all was taken
	})
	go func() { _ = c.server.Serve(l) }()
	return c, nil
}

func (c *collector) close() { _ = c.server.Close() }
