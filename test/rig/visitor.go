package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Visitor is in a project by the event channel, and takes down who else is there. It
// comes back, to one node after the other, until it is stopped.
type Visitor struct {
	scenario *Scenario
	project  string

	mu      sync.Mutex
	clients []*Client // the first is the one that it is at
	socket  *Socket
	state   int // what it says of itself; 0: nothing
	here    map[string]int
	left    map[string]int // how often each user was said to have gone
	trouble error
}

// presence is who is there, as a node says it.
type presence struct {
	Ev    string
	Full  *[]someone
	Join  []someone
	Upd   []someone
	Leave []string
}

type someone struct {
	UserID string `json:"user_id"`
	State  struct{ X int }
}

// Visit begins a visit by the first client.
func (s *Scenario) Visit(ctx context.Context, project string, clients ...*Client) *Visitor {
	v := &Visitor{scenario: s, project: project, clients: clients, left: make(map[string]int)}
	go v.run(ctx)
	return v
}

// Say changes what it says of itself.
func (v *Visitor) Say(state int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = state
	v.say()
}

func (v *Visitor) say() {
	if v.socket != nil && v.state > 0 {
		_ = v.socket.Send(map[string]any{"id": 3, "op": "presence", "p": v.project, "set": map[string]int{"x": v.state}})
	}
}

// Here is who is there, as far as it was told, with what they say; nil: it is not
// connected.
func (v *Visitor) Here() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.here)
}

// Left is how often it was told that a user had gone.
func (v *Visitor) Left(user string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.left[user]
}

// Node is where it is.
func (v *Visitor) Node() *Node {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.clients[0].Node
}

// Trouble is what ended the last connection.
func (v *Visitor) Trouble() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.trouble
}

func (v *Visitor) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := v.stay(ctx)
		v.mu.Lock()
		v.trouble, v.socket, v.here = err, nil, nil
		v.clients = append(v.clients[1:len(v.clients):len(v.clients)], v.clients[0])
		v.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stay is one connection.
func (v *Visitor) stay(ctx context.Context) error {
	v.mu.Lock()
	client := v.clients[0]
	v.mu.Unlock()
	socket, err := client.Socket(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, socket.Close)()
	for _, m := range []any{
		map[string]any{"id": 1, "op": "hello", "client": "rig"},
		map[string]any{"id": 2, "op": "sub", "project": v.project},
	} {
		if err := socket.Send(m); err != nil {
			return err
		}
	}
	for {
		objects, err := socket.Receive(60 * time.Second)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := v.take(socket, o); err != nil {
				return err
			}
		}
	}
}

func (v *Visitor) take(socket *Socket, o json.RawMessage) error {
	var f frame
	if err := json.Unmarshal(o, &f); err != nil {
		return fmt.Errorf("%w: %s", err, o)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case f.Err != nil:
		return fmt.Errorf("refused: %s", f.Err)
	case f.Sub != nil:
		v.socket = socket
		v.say()
	case f.Ev == "presence":
		var p presence
		if err := json.Unmarshal(o, &p); err != nil {
			return fmt.Errorf("%w: %s", err, o)
		}
		v.change(p)
	case f.Ev == "move":
		return fmt.Errorf("told to move")
	}
	return nil
}

// change holds each change against what was told before.
func (v *Visitor) change(p presence) {
	if p.Full != nil {
		v.here = make(map[string]int)
		p.Join = *p.Full
	}
	for _, one := range p.Join {
		if _, known := v.here[one.UserID]; known {
			v.scenario.Found("%s joins twice", one.UserID)
		}
		v.here[one.UserID] = one.State.X
	}
	for _, one := range p.Upd {
		if _, known := v.here[one.UserID]; !known {
			v.scenario.Found("%s changes and is not there", one.UserID)
		}
		v.here[one.UserID] = one.State.X
	}
	for _, user := range p.Leave {
		if _, known := v.here[user]; !known {
			v.scenario.Found("%s leaves and is not there", user)
		}
		delete(v.here, user)
		v.left[user]++
	}
}
