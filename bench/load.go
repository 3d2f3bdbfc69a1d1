package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// client is what one connection asks, over and over.
type client struct {
	next     func(*fasthttp.Request)        // makes the next request
	answered func(*fasthttp.Response) error // sees each answer that is a success; may be nil
}

// load is a closed loop: every connection sends its next request when the last
// one was answered, over one keep-alive connection. Any answer but a success
// ends it with an error: a rate of refusals is no rate.
type load struct {
	address     string
	connections int
	client      func(n int) client // of the n-th connection
}

// patience is how long one answer may take.
const patience = 30 * time.Second

// run returns the rate and the latencies of the measured time. Around it, meter
// is called twice: when it begins and when it ends.
func (l load) run(ctx context.Context, s span, meter func() error) (lap, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.Now().Add(s.warm)
	end := begin.Add(s.measured)
	taken := make([][]time.Duration, l.connections)
	failures := make([]error, l.connections)
	var connections sync.WaitGroup
	for n := range l.connections {
		connections.Go(func() {
			if taken[n], failures[n] = l.connection(ctx, n, begin, end); failures[n] != nil {
				cancel()
			}
		})
	}
	err := metered(ctx, begin, end, meter)
	connections.Wait()
	for _, failure := range failures {
		if failure != nil && !errors.Is(failure, context.Canceled) {
			return lap{}, failure
		}
	}
	all := slices.Concat(taken...)
	slices.Sort(all)
	if len(all) == 0 {
		return lap{}, errors.Join(err, errors.New("nothing was answered in the measured time"))
	}
	at := func(p float64) float64 { return all[int(p*float64(len(all)-1))].Seconds() * 1e3 }
	return lap{Rate: float64(len(all)) / s.measured.Seconds(), P50: at(0.5), P99: at(0.99)}, err
}

// metered calls meter at both ends of the measured time.
func metered(ctx context.Context, begin, end time.Time, meter func() error) error {
	for _, at := range []time.Time{begin, end} {
		select {
		case <-time.After(time.Until(at)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := meter(); err != nil {
			return err
		}
	}
	return nil
}

// connection works until the end and returns how long each answer took that came
// within the measured time.
func (l load) connection(ctx context.Context, n int, begin, end time.Time) (taken []time.Duration, err error) {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 16<<10), bufio.NewWriter(conn)
	work := l.client(n)
	var request fasthttp.Request
	var response fasthttp.Response
	request.Header.SetHost(l.address)
	var bounded time.Time // when the deadline was last set
	for {
		work.next(&request)
		sent := time.Now()
		if sent.After(end) {
			return taken, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if sent.Sub(bounded) > time.Second {
			bounded = sent
			_ = conn.SetDeadline(sent.Add(patience))
		}
		if err := errors.Join(request.Write(out), out.Flush(), response.Read(in)); err != nil {
			return nil, err
		}
		if code := response.StatusCode(); code < 200 || code > 299 {
			return nil, fmt.Errorf("%s %s: status %d: %.300s", request.Header.Method(), request.Header.RequestURI(), code, response.Body())
		}
		if work.answered != nil {
			if err := work.answered(&response); err != nil {
				return nil, err
			}
		}
		if now := time.Now(); now.After(begin) && !now.After(end) {
			taken = append(taken, now.Sub(sent))
		}
	}
}
