package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	scenario "atelier/test/rig"
)

const (
	liveEvery    = 5 * time.Millisecond // between events: nothing is gathered
	missedEvents = 200                  // that a socket catches up with
	resumeTarget = 200                  // ms, p99
)

// ear is a socket that takes down when events came.
type ear struct {
	socket *scenario.Socket
	log    string
	head   int64
	heard  chan heard
}

type heard struct {
	seq int64
	at  time.Time
}

// listen subscribes to a project: from a position on, or from its head on.
func (n *node) listen(ctx context.Context, token, project, log string, since int64) (*ear, error) {
	socket, err := scenario.DialSocket(ctx, n.address, token)
	if err != nil {
		return nil, err
	}
	sub := map[string]any{"id": 2, "op": "sub", "project": project}
	if log != "" {
		sub["since"] = map[string]any{"log": log, "seq": since}
	}
	for _, m := range []any{map[string]any{"id": 1, "op": "hello", "client": "bench"}, sub} {
		if err := socket.Send(m); err != nil {
			socket.Close()
			return nil, err
		}
	}
	e := &ear{socket: socket, heard: make(chan heard, 4096)}
	for e.log == "" {
		if err := e.hear(); err != nil {
			socket.Close()
			return nil, err
		}
	}
	return e, nil
}

// hear takes the next frame.
func (e *ear) hear() error {
	objects, err := e.socket.Receive(patience)
	at := time.Now()
	if err != nil {
		return err
	}
	for _, o := range objects {
		var m struct {
			Sub *struct {
				Log  string
				Head int64
			}
			Err json.RawMessage
			Ev  string
			S   int64
		}
		if err := json.Unmarshal(o, &m); err != nil {
			return err
		}
		switch {
		case m.Err != nil:
			return fmt.Errorf("refused: %s", m.Err)
		case m.Sub != nil:
			e.log, e.head = m.Sub.Log, m.Sub.Head
		case m.Ev == "event":
			e.heard <- heard{m.S, at}
		}
	}
	return nil
}

// await brings the moment at which an event came.
func (e *ear) await(seq int64) (time.Time, error) {
	for {
		select {
		case h := <-e.heard:
			if h.seq >= seq {
				return h.at, nil
			}
			continue
		default:
		}
		if err := e.hear(); err != nil {
			return time.Time{}, err
		}
	}
}

// liveEvents measures how soon a change of a project is at sockets of the nodes that
// it does not live on, and how soon a socket has what it missed.
func (r *rig) liveEvents(ctx context.Context, o options) (findings, error) {
	var found findings
	f, err := r.populated(ctx, "live", 3, 16, watched)
	if err != nil {
		return found, err
	}
	defer f.close()
	project, token := f.owns[0], f.people[0].token
	owner := home(f.nodes, "project", project)
	var ears []*ear
	for _, n := range f.nodes {
		if n != owner {
			e, err := n.listen(ctx, token, project, "", 0)
			if err != nil {
				return found, err
			}
			defer e.socket.Close()
			ears = append(ears, e)
		}
	}
	seq := ears[0].head
	var answered, arrived []float64
	for began := time.Now(); time.Since(began) < o.span.measured*time.Duration(max(1, o.rounds)); time.Sleep(liveEvery) {
		seq++
		asked := time.Now()
		if err := owner.ask("PATCH", "/api/v1/projects/"+project, token, fmt.Sprintf(`{"name":"name %d"}`, seq), &rawBody{}); err != nil {
			return found, err
		}
		answered = append(answered, time.Since(asked).Seconds()*1e3)
		for _, e := range ears {
			at, err := e.await(seq)
			if err != nil {
				return found, err
			}
			arrived = append(arrived, at.Sub(asked).Seconds()*1e3)
		}
	}
	resumed, err := f.resume(ctx, o, token, project, ears[0].log, seq)
	if err != nil {
		return found, err
	}
	found.figures = []figure{
		{Name: fmt.Sprintf("PATCH answered by the owner's node, median of %d", len(answered)), Value: median(answered), Unit: "ms"},
		{Name: "its event at a socket of another node, median", Value: median(arrived), Unit: "ms"},
		{Name: "p99", Value: quantile(arrived, 0.99), Unit: "ms"},
		{Name: fmt.Sprintf("%d missed events, from connecting on, median of %d", min(missedEvents, int(seq)), len(resumed)), Value: median(resumed), Unit: "ms"},
		{Name: "p99", Value: quantile(resumed, 0.99), Unit: "ms", Target: upTo(resumeTarget)},
	}
	return found, nil
}

// resume connects over and over to nodes in turn, some events behind, and tells how
// long it took until they were there, in ms.
func (f *fleet) resume(ctx context.Context, o options, token, project, log string, head int64) (took []float64, err error) {
	for k, began := 0, time.Now(); time.Since(began) < o.span.measured*time.Duration(max(1, o.rounds)); k++ {
		asked := time.Now()
		e, err := f.nodes[k%len(f.nodes)].listen(ctx, token, project, log, max(0, head-missedEvents))
		if err != nil {
			return took, err
		}
		at, err := e.await(head)
		e.socket.Close()
		if err != nil {
			return took, err
		}
		took = append(took, at.Sub(asked).Seconds()*1e3)
	}
	return took, nil
}
