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
	addresses   []string // connections are spread over them
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
	w, err := dial(l.addresses[n%len(l.addresses)])
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	work := l.client(n)
	for {
		work.next(&w.request)
		sent := time.Now()
		if sent.After(end) {
			return taken, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.exchange(sent); err != nil {
			return nil, err
		}
		if work.answered != nil {
			if err := work.answered(&w.response); err != nil {
				return nil, err
			}
		}
		if now := time.Now(); now.After(begin) && !now.After(end) {
			taken = append(taken, now.Sub(sent))
		}
	}
}

// wire is one keep-alive connection with a request and its answer.
type wire struct {
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer
	request  fasthttp.Request
	response fasthttp.Response
	bounded  time.Time // when the deadline was last set
}

func dial(address string) (*wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), out: bufio.NewWriter(conn)}
	w.request.Header.SetHost(address)
	return w, nil
}

// exchange sends the request and reads the answer. Any but a success is an error.
func (w *wire) exchange(now time.Time) error {
	if now.Sub(w.bounded) > time.Second {
		w.bounded = now
		_ = w.conn.SetDeadline(now.Add(patience))
	}
	if err := errors.Join(w.request.Write(w.out), w.out.Flush(), w.response.Read(w.in)); err != nil {
		return err
	}
	if code := w.response.StatusCode(); code < 200 || code > 299 {
		return &refused{code, fmt.Sprintf("%s %s: status %d: %.300s", w.request.Header.Method(), w.request.Header.RequestURI(), code, w.response.Body())}
	}
	return nil
}

// refused is an answer that is no success.
type refused struct {
	status int
	text   string
}

// Error implements error.
func (r *refused) Error() string { return r.text }
