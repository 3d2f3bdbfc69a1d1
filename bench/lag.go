package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/valyala/fasthttp"
)

const (
	lagRate   = 500 // creates a second
	lagLines  = 32  // connections that make them
	lagTarget = 100 // ms
	lagMust   = 250
)

// passage is when a project was made: when its event happened, before the commit,
// when the caller had the answer, after it, and when a consumer had the event.
type passage struct{ happened, answered, came time.Time }

// arrivals are the passages of a turn, by project.
type arrivals struct {
	mu  sync.Mutex
	all map[string]*passage
}

func (a *arrivals) of(project string) *passage {
	p := a.all[project]
	if p == nil {
		p = &passage{}
		a.all[project] = p
	}
	return p
}

func (a *arrivals) answered(project string) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(project).answered = now
}

func (a *arrivals) came(d amqp.Delivery) {
	now := time.Now()
	var e struct {
		Subject string    `json:"subject"`
		Time    time.Time `json:"time"`
	}
	if json.Unmarshal(d.Body, &e) != nil {
		return // it will be missed
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.of(e.Subject)
	if p.came.IsZero() { // it may come twice
		p.happened, p.came = e.Time, now
	}
}

// complete reports whether all that were answered came.
func (a *arrivals) complete() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.all {
		if p.came.IsZero() {
			return false
		}
	}
	return true
}

// lags are those of projects that were answered after a moment, in ms: from the
// answer, which a consumer may be ahead of, and from the event.
func (a *arrivals) lags(after time.Time) (commit, event []float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.all {
		if p.answered.After(after) {
			commit = append(commit, max(0, p.came.Sub(p.answered).Seconds()*1e3))
			event = append(event, p.came.Sub(p.happened).Seconds()*1e3)
		}
	}
	return commit, event
}

// lag measures how long events take to a consumer while projects are created at a
// steady rate.
func (r *rig) lag(ctx context.Context, o options) (found findings, err error) {
	url, err := r.broker()
	if err != nil {
		return found, err
	}
	s, err := r.open(ctx, "lag", "ATELIER_AMQP_URL="+url)
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, lagLines, ""); err != nil {
		return found, err
	}
	conn, err := amqp.Dial(url)
	if err != nil {
		return found, err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return found, err
	}
	if err := emptied(channel); err != nil {
		return found, err
	}
	deliveries, err := channel.Consume(drainedQueue, "", true, true, false, false, nil)
	if err != nil {
		return found, err
	}
	var rates, p50, p99, slowest, eventP99 []float64
	for range o.rounds {
		l, commit, event, err := s.arrive(ctx, o.span, deliveries)
		if err != nil {
			return found, err
		}
		rates, p50, p99 = append(rates, l.Rate), append(p50, quantile(commit, 0.5)), append(p99, quantile(commit, 0.99))
		slowest, eventP99 = append(slowest, quantile(commit, 1)), append(eventP99, quantile(event, 0.99))
		progress("outbox/lag: p50 %.1f ms, p99 %.1f ms", quantile(commit, 0.5), quantile(commit, 0.99))
	}
	found.figures = []figure{
		{Name: fmt.Sprintf("creates, of %d", lagRate), Value: median(rates), Unit: "/s"},
		{Name: "from the answer to the consumer, p50", Value: median(p50), Unit: "ms"},
		{Name: "from the answer to the consumer, p99", Value: median(p99), Unit: "ms", Target: upTo(lagTarget), Must: upTo(lagMust)},
		{Name: "from the answer to the consumer, longest", Value: median(slowest), Unit: "ms"},
		{Name: "from the event to the consumer, the commit included, p99", Value: median(eventP99), Unit: "ms"},
	}
	return found, nil
}

// arrive is one turn.
func (s *site) arrive(ctx context.Context, over span, deliveries <-chan amqp.Delivery) (l lap, commit, event []float64, err error) {
	a := &arrivals{all: map[string]*passage{}}
	done := make(chan struct{})
	var consumer sync.WaitGroup
	consumer.Go(func() {
		for {
			select {
			case d := <-deliveries:
				a.came(d)
			case <-done:
				return
			}
		}
	})
	began := time.Now()
	l, err = s.steady("creates", pace{lines: lagLines, rate: lagRate, client: func(n int) client {
		c := creating(s.users[n%len(s.users)])
		c.answered = func(response *fasthttp.Response) error {
			id, err := idIn(response.Body())
			if err == nil {
				a.answered(id)
			}
			return err
		}
		return c
	}}).turn(ctx, over)
	if err == nil {
		if err = await(ctx, a.complete); err != nil {
			err = fmt.Errorf("not all events came: %w", err)
		}
	}
	close(done)
	consumer.Wait()
	commit, event = a.lags(began.Add(over.warm))
	return l, commit, event, err
}

// idIn is the id of what was created.
func idIn(body []byte) (string, error) {
	_, rest, found := bytes.Cut(body, []byte(`"id":"`))
	id, _, closed := bytes.Cut(rest, []byte(`"`))
	if !found || !closed {
		return "", errors.New("no id in the answer")
	}
	return string(id), nil
}
