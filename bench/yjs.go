package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"atelier/http/ysync"
	"atelier/test/services"
)

// relayed are the conditions of the relay's cases: clients of one document, and
// updates of one of them that are on their way at a time. The share of a rival's CPU
// is what ours is to stay below.
var relayed = []struct {
	clients, waiting int
	share            float64
}{{10, 64, 0.1}, {100, 8, 0.2}, {100, 1, 1 / 1.3}}

// documents measures what it costs to bring an update of a document to a client, with
// durability on, beside the servers that y-websocket and Hocuspocus publish, which
// keep documents in memory.
func (r *rig) documents(ctx context.Context, o options) (found findings, err error) {
	s, err := r.open(ctx, "documents")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, 1, ""); err != nil {
		return found, err
	}
	rivals, err := r.references(ctx)
	if err != nil {
		return found, err
	}
	for _, c := range rivals {
		defer c.stop()
	}
	plain, enveloped := "ws://"+s.server.address+"/api/v1/yjs/", "ws://"+s.server.address+"/api/v1/hocuspocus"
	for _, at := range relayed {
		document := func() (string, error) {
			var made struct{ ID string }
			err := s.server.ask("POST", "/api/v1/projects/"+s.owns[0]+"/documents", s.reader.token, `{"name":"Relayed"}`, &made)
			return made.ID, err
		}
		room := func() (string, error) { return fmt.Sprint("room-", time.Now().UnixNano()), nil }
		relay := func(name, url string, meter *meter, token string, document func() (string, error)) racer {
			return racer{name, func(ctx context.Context, span span) (lap, error) {
				id, err := document()
				if err != nil {
					return lap{}, err
				}
				run := &relayRun{clients: at.clients, waiting: at.waiting, url: url, document: id, token: token, meter: meter}
				return run.lap(ctx, span)
			}}
		}
		of := func(c *child) *meter { return &meter{program: c.pids()} }
		c := contest{
			name: fmt.Sprintf("documents/%d-%d", at.clients, at.waiting), about: "deliveries of updates", program: s.server,
			ours: relay("Atelier, y-websocket", plain, s.meter(), s.reader.token, document),
			rivals: []rival{
				{relay("Atelier, Hocuspocus", enveloped, s.meter(), s.reader.token, document), 0, 0, 0},
				{relay("y-websocket 2.1", "ws://"+rivals[0].address+"/", of(rivals[0]), "", room), 0, 0, at.share},
				{relay("Hocuspocus 3.4", "ws://"+rivals[1].address, of(rivals[1]), "", room), 0, 0, at.share},
			},
		}
		result, err := c.run(ctx, r, o)
		if err != nil {
			return found, err
		}
		found.contests = append(found.contests, result)
	}
	return found, nil
}

// references are the servers of y-websocket and of Hocuspocus, on Node.
func (r *rig) references(ctx context.Context) ([2]*child, error) {
	var all [2]*child
	if err := services.InstallNodePackages("bench/yjs"); err != nil {
		return all, err
	}
	for i, script := range []string{"node_modules/y-websocket/bin/server.cjs", "hocuspocus.mjs"} {
		address, err := services.Address()
		if err != nil {
			return all, err
		}
		host, port, _ := net.SplitHostPort(address)
		if all[i], err = r.start(ctx, address, "/", []string{"HOST=" + host, "PORT=" + port}, "node", filepath.Join("bench/yjs", script)); err != nil {
			return all, err
		}
	}
	return all, nil
}

// relayRun is a document with clients, the first of which writes.
type relayRun struct {
	clients, waiting int
	url, document    string
	token            string
	meter            *meter

	wire      ysync.Wire
	sockets   []*websocket.Conn
	delivered atomic.Int64  // to all but the writer
	arrived   chan struct{} // an update at the second client
}

// relayedUnit is what each update writes. It is nowhere else in a message.
const relayedUnit = "☃"

func (run *relayRun) lap(ctx context.Context, span span) (lap, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run.arrived = make(chan struct{}, 1<<20)
	run.wire = ysync.Plain()
	address := run.url + run.document
	if run.url[len(run.url)-1] != '/' {
		run.wire, address = ysync.Enveloped(run.document), run.url
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	for i := range run.clients {
		c, err := run.open(ctx, address)
		if err != nil {
			return lap{}, err
		}
		defer func() { _ = c.CloseNow() }()
		run.sockets = append(run.sockets, c)
		reading.Go(func() { run.read(ctx, i, c) })
	}
	return run.write(ctx, span)
}

func (run *relayRun) open(ctx context.Context, address string) (*websocket.Conn, error) {
	options := &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled}
	if run.token != "" {
		options.HTTPHeader = map[string][]string{"Authorization": {"Bearer " + run.token}}
	}
	c, _, err := websocket.Dial(ctx, address, options) //nolint:bodyclose // of a handshake there is none
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(64 << 20)
	if !run.wire.Plain() {
		auth := run.wire.AskToken() // an auth message with an empty token but for its length
		if err := c.Write(ctx, websocket.MessageBinary, append(auth, 0)); err != nil {
			return nil, err
		}
	}
	if err := c.Write(ctx, websocket.MessageBinary, run.wire.Step1([]byte{0})); err != nil {
		return nil, err
	}
	for { // until the content has come
		_, b, err := c.Read(ctx)
		if err != nil {
			return nil, err
		}
		if m, err := run.parse(b); err == nil && m.Kind == ysync.Sync && m.Step == ysync.Step2 {
			return c, nil
		}
	}
}

func (run *relayRun) parse(b []byte) (ysync.Message, error) {
	if run.wire.Plain() {
		return ysync.Parse(b)
	}
	return ysync.ParseEnvelope(b)
}

func (run *relayRun) read(ctx context.Context, i int, c *websocket.Conn) {
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			return
		}
		units := bytes.Count(b, []byte(relayedUnit))
		if i == 0 || units == 0 {
			continue
		}
		run.delivered.Add(int64(units))
		if i == 1 {
			for range units {
				run.arrived <- struct{}{}
			}
		}
	}
}

// write keeps so many updates on their way, and counts what is delivered in the
// measured time.
func (run *relayRun) write(ctx context.Context, s span) (l lap, err error) {
	writer := run.sockets[0]
	began := time.Now()
	var from time.Time
	var before int64
	var took []float64
	sent := make([]time.Time, 0, 1<<16)
	seen := 0
	for n := uint64(0); ; n++ {
		for len(sent)-seen >= run.waiting {
			select {
			case <-run.arrived:
				if took = append(took, time.Since(sent[seen]).Seconds()*1e3); from.IsZero() {
					took = took[:0]
				}
				seen++
			case <-time.After(patience):
				return l, fmt.Errorf("update %d of %d does not arrive", seen, len(sent))
			}
		}
		now := time.Now()
		if from.IsZero() && now.Sub(began) > s.warm {
			from, before = now, run.delivered.Load()
			if err := run.meter.read(); err != nil {
				return l, err
			}
		}
		if !from.IsZero() && now.Sub(from) > s.measured {
			break
		}
		sent = append(sent, now)
		if err := writer.Write(ctx, websocket.MessageBinary, run.wire.Update(typedUnit(n))); err != nil {
			return l, err
		}
	}
	delivered, elapsed := float64(run.delivered.Load()-before), time.Since(from)
	if err := run.meter.read(); err != nil {
		return l, err
	}
	for deadline := time.Now().Add(patience); run.delivered.Load() < int64(len(sent)*(run.clients-1)); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return l, fmt.Errorf("%d of %d deliveries were made", run.delivered.Load(), len(sent)*(run.clients-1))
		}
	}
	run.meter.calls = 0
	return run.meter.charge(lap{Rate: delivered / elapsed.Seconds(), P50: quantile(took, 0.5), P99: quantile(took, 0.99)}, span{measured: elapsed}), nil
}

// typedUnit is a Yjs update: client 7 has written one more unit at the end of a text.
func typedUnit(clock uint64) []byte {
	b := binary.AppendUvarint([]byte{1, 1, 7}, clock)
	if clock == 0 {
		b = append(b, 4, 1, 1, 't')
	} else {
		b = binary.AppendUvarint(append(b, 0x84, 7), clock-1)
	}
	return append(append(append(b, byte(len(relayedUnit))), relayedUnit...), 0)
}
