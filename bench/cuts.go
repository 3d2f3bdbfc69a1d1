package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"atelier/http/ysync"
)

// sight is a member who watches a project and has a document of it open, by sockets of
// one node.
type sight struct {
	lines  []*socket
	lost   chan time.Time // the project, on the event channel
	closed chan time.Time // the document's socket
}

// cuts measures how soon a member who is removed loses what he sees on another node
// than the one that is asked, and how soon the request is answered.
func (r *rig) cuts(ctx context.Context, o options) (found findings, err error) {
	f, err := r.populated(ctx, "cuts", 3, 16, watched)
	if err != nil {
		return found, err
	}
	defer f.close()
	var documents []string
	for _, project := range f.owns {
		var made struct{ ID string }
		if err := f.nodes[0].ask("POST", "/api/v1/projects/"+project+"/documents", f.people[0].token, `{"name":"Seen"}`, &made); err != nil {
			return found, err
		}
		documents = append(documents, made.ID)
	}
	var answered, lost, closed []float64
	for k, began := 0, time.Now(); time.Since(began) < o.span.measured*time.Duration(max(1, o.rounds)); k++ {
		member, asked, seen := f.people[1+k%(len(f.people)-1)], f.nodes[k%3], f.nodes[(k+1)%3]
		project := k % len(f.owns)
		if err := asked.ask("POST", "/api/v1/projects/"+f.owns[project]+"/collaborators", f.people[0].token, fmt.Sprintf(`{"user_id":%q,"role":"editor"}`, member.id), &rawBody{}); err != nil {
			return found, err
		}
		s, err := seen.sight(member.token, f.owns[project], documents[project])
		if err != nil {
			return found, err
		}
		at := time.Now()
		err = asked.delete("/api/v1/projects/"+f.owns[project]+"/collaborators/"+member.id, f.people[0].token)
		replied := time.Now()
		for _, wait := range []struct {
			on   chan time.Time
			into *[]float64
		}{{s.lost, &lost}, {s.closed, &closed}} {
			select {
			case came := <-wait.on:
				*wait.into = append(*wait.into, came.Sub(at).Seconds()*1e3)
			case <-time.After(patience):
				err = errors.Join(err, errors.New("a removed member keeps a socket"))
			}
		}
		if hangUp(s.lines); err != nil {
			return found, err
		}
		answered = append(answered, replied.Sub(at).Seconds()*1e3)
	}
	for _, one := range []struct {
		name string
		took []float64
	}{
		{fmt.Sprintf("the project is gone from the member's event channel on another node, median of %d", len(lost)), lost},
		{"his document's socket is closed, median", closed}, {"the removal is answered, median", answered},
	} {
		found.figures = append(found.figures, figure{Name: one.name, Value: median(one.took), Unit: "ms"}, figure{Name: "p99", Value: quantile(one.took, 0.99), Unit: "ms", Target: upTo(revokedTarget)})
	}
	return found, nil
}

// sight opens what a member has open.
func (n *node) sight(token, project, document string) (*sight, error) {
	s := &sight{lost: make(chan time.Time, 1), closed: make(chan time.Time, 1)}
	events := (&site{server: n.child, reader: &person{token: token}}).channel(project)
	events.buffer = bigBuffer
	channel, err := events.greeted(events.greet)
	if err != nil {
		return nil, err
	}
	s.lines = append(s.lines, channel)
	paper, err := door{address: n.address, path: "/api/v1/yjs/" + document, token: token, buffer: bigBuffer}.open()
	if err != nil {
		hangUp(s.lines)
		return nil, err
	}
	s.lines = append(s.lines, paper)
	_ = paper.conn.SetReadDeadline(time.Now().Add(patience))
	if err := errors.Join(paper.write(opBinary, ysync.Plain().Step1([]byte{0})), paper.next(func([]byte, bool) {})); err != nil {
		hangUp(s.lines)
		return nil, err
	}
	_ = paper.conn.SetReadDeadline(time.Time{})
	go func() {
		_ = channel.read(func(piece []byte, _ bool) {
			if bytes.Contains(piece, []byte(`"revoked"`)) {
				s.lost <- time.Now()
			}
		})
	}()
	go func() {
		_ = paper.read(func([]byte, bool) {})
		s.closed <- time.Now()
	}()
	return s, nil
}
