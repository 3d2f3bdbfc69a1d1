package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pace is an open loop: requests are due at a fixed rate, whether those before them
// were answered or not. A connection that is behind sends what is due at once.
type pace struct {
	addresses []string // connections are spread over them
	lines     int      // connections
	rate      int      // requests a second, of all of them together
	client    func(n int) client
}

// run asks what is due before a moment, zero: ever, unless ctx ends, which is no error. Each
// answer is told with the times when it was due and when it came, by its connection.
func (p pace) run(ctx context.Context, until time.Time, answered func(due, came time.Time)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, p.lines)
	began := time.Now()
	var all sync.WaitGroup
	for n := range p.lines {
		all.Go(func() {
			if failures[n] = p.line(ctx, n, began, until, answered); failures[n] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (p pace) line(ctx context.Context, n int, began, until time.Time, answered func(due, came time.Time)) error {
	w, err := dial(p.addresses[n%len(p.addresses)])
	if err != nil {
		return err
	}
	defer w.conn.Close()
	work := p.client(n)
	every := time.Second * time.Duration(p.lines) / time.Duration(p.rate)
	due := began.Add(every * time.Duration(n+1) / time.Duration(p.lines))
	for ; until.IsZero() || due.Before(until); due = due.Add(every) {
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			return nil
		}
		work.next(&w.request)
		if err := w.exchange(time.Now()); err != nil {
			return err
		}
		if work.answered != nil {
			if err := work.answered(&w.response); err != nil {
				return err
			}
		}
		answered(due, time.Now())
	}
	return nil
}

// steady is a contestant that asks a site at a fixed rate. Its times count from when
// requests were due.
func (s *site) steady(name string, p pace) racer {
	return racer{name, func(ctx context.Context, over span) (lap, error) {
		if err := s.signIn(); err != nil {
			return lap{}, err
		}
		p.addresses = []string{s.server.address}
		begin := time.Now().Add(over.warm)
		end := begin.Add(over.measured)
		var lock sync.Mutex
		var taken []float64 // ms
		ended := make(chan error, 1)
		go func() {
			ended <- p.run(ctx, end, func(due, came time.Time) {
				if due.After(begin) {
					lock.Lock()
					taken = append(taken, came.Sub(due).Seconds()*1e3)
					lock.Unlock()
				}
			})
		}()
		m := s.meter()
		err := errors.Join(metered(ctx, begin, end, m.read), <-ended)
		if len(taken) == 0 {
			return lap{}, err
		}
		return m.charge(lap{Rate: float64(len(taken)) / over.measured.Seconds(), P50: quantile(taken, 0.5), P99: quantile(taken, 0.99)}, over), err
	}}
}
