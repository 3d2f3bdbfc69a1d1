package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Watcher follows a project by the event channel, as a client does: it comes back
// at the position that it has, to one node after the other, until it is stopped.
// What comes must be the position after the last one, always.
type Watcher struct {
	slow     time.Duration // it takes so long for each frame
	scenario *Scenario
	clients  []*Client
	project  string

	mu      sync.Mutex
	log     string  // the event log's identity
	from    int64   // where it began
	events  []Event // what it was told since
	resumed int     // subscriptions
	skipped int     // frames that said that the reader is too slow
	trouble error   // of the last connection
}

// frame is what a node sends.
type frame struct {
	Sub *struct {
		Log  string `json:"log"`
		Head int64  `json:"head"`
		Mode string `json:"mode"`
	} `json:"sub"`
	Err json.RawMessage `json:"err"`
	Ev  string          `json:"ev"`
	S   int64           `json:"s"`
	T   string          `json:"t"`
	D   json.RawMessage `json:"d"`
}

// Watch begins to follow a project from its head on, by the first client first.
func (s *Scenario) Watch(ctx context.Context, project string, slow time.Duration, clients ...*Client) *Watcher {
	s.Helper()
	w := &Watcher{slow: slow, scenario: s, clients: clients, project: project, from: -1}
	go w.run(ctx)
	for deadline := time.Now().Add(patience); w.Position() < 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("no subscription: %v", w.Trouble())
		}
	}
	return w
}

// Position is the last one that it was told; -1 before the first subscription.
func (w *Watcher) Position() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position()
}

func (w *Watcher) position() int64 { return w.from + int64(len(w.events)) }

// Project is the one that it follows.
func (w *Watcher) Project() string { return w.project }

// Trouble is what ended the last connection.
func (w *Watcher) Trouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble
}

// Resumed is how often it has subscribed, and how often it was too slow.
func (w *Watcher) Resumed() (times, lagged int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resumed, w.skipped
}

// Judge holds what was told against the log.
func (w *Watcher) Judge(log []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.scenario
	if w.position() != int64(len(log)) {
		s.Found("a watcher of %s was told up to %d of %d: %v", w.clients[0].Node.Name, w.position(), len(log), w.trouble)
		return
	}
	for i, e := range w.events {
		if want := log[w.from+int64(i)]; want.Seq != e.Seq || want.Type != e.Type || want.Named() != e.Named() {
			s.Found("a watcher of %s was told %d %s %q, the log has %d %s %q", w.clients[0].Node.Name, e.Seq, e.Type, e.Named(), want.Seq, want.Type, want.Named())
			return
		}
	}
}

func (w *Watcher) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		err := w.follow(ctx, w.clients[i%len(w.clients)])
		w.mu.Lock()
		w.trouble = err
		w.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// errAgain lets a watcher subscribe again.
var errAgain = errors.New("to be subscribed again")

// follow is one connection.
func (w *Watcher) follow(ctx context.Context, c *Client) error {
	socket, err := c.Socket(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, socket.Close)
	defer stop()
	if err := socket.Send(map[string]any{"id": 1, "op": "hello", "client": "rig"}); err != nil {
		return err
	}
	if err := w.subscribe(socket); err != nil {
		return err
	}
	for {
		objects, err := socket.Receive(60 * time.Second)
		if err != nil {
			return err
		}
		for _, o := range objects {
			var f frame
			if err := json.Unmarshal(o, &f); err != nil {
				return fmt.Errorf("%w: %s", err, o)
			}
			err := w.take(f)
			if errors.Is(err, errAgain) {
				err = w.subscribe(socket)
			}
			if err != nil {
				return err
			}
		}
		if w.slow > 0 {
			time.Sleep(w.slow)
		}
	}
}

func (w *Watcher) subscribe(socket *Socket) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub := map[string]any{"id": 2, "op": "sub", "project": w.project}
	if w.from >= 0 {
		sub["since"] = map[string]any{"log": w.log, "seq": w.position()}
	}
	w.resumed++
	return socket.Send(sub)
}

func (w *Watcher) take(f frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case f.Err != nil:
		return fmt.Errorf("refused: %s", f.Err)
	case f.Sub != nil && w.from < 0:
		w.log, w.from = f.Sub.Log, f.Sub.Head
	case f.Sub != nil && f.Sub.Mode == "reset":
		w.scenario.Found("a watcher at %d was reset by %s", w.position(), f.Sub.Log)
	case f.Ev == "event":
		if f.S != w.position()+1 {
			w.scenario.Found("a watcher was told %d after %d, by subscription %d", f.S, w.position(), w.resumed)
			return fmt.Errorf("%d after %d", f.S, w.position())
		}
		w.events = append(w.events, Event{Seq: f.S, Type: f.T, Data: f.D})
	case f.Ev == "lagged":
		w.skipped++
		return errAgain
	case f.Ev == "move":
		return errors.New("told to move")
	case f.Ev == "revoked":
		return errors.New("revoked")
	}
	return nil
}
