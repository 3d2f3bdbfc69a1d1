package ysync

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// MaxState is how many bytes a client's state may have.
const MaxState = 4 << 10

// State is what a client says of itself: its cursor, a name, a colour. The clock
// rises with each.
type State struct {
	Client uint64
	Clock  uint64
	JSON   []byte // nil: the client has gone
}

// EachState reads states as clients encode them, until one is refused.
func EachState(b []byte, each func(State) error) error {
	r := &reader{b}
	n, err := r.uint()
	for ; n > 0 && err == nil; n-- {
		var s State
		if s.Client, err = r.uint(); err != nil {
			return err
		}
		if s.Clock, err = r.uint(); err != nil {
			return err
		}
		if s.JSON, err = r.bytes(); err != nil {
			return err
		}
		if string(s.JSON) == "null" {
			s.JSON = nil
		}
		err = each(s)
	}
	return err
}

// EncodeStates writes states.
func EncodeStates(states []State) []byte {
	size := 4
	for i := range states {
		size += 20 + len(states[i].JSON)
	}
	b := binary.AppendUvarint(make([]byte, 0, size), uint64(len(states)))
	for i := range states {
		b = binary.AppendUvarint(binary.AppendUvarint(b, states[i].Client), states[i].Clock)
		if states[i].JSON == nil {
			b = appendBytes(b, "null")
		} else {
			b = appendBytes(b, states[i].JSON)
		}
	}
	return b
}

// Split cuts states into parts that are encoded in about so many bytes at most.
func Split(states []State, size int) (parts [][]State) {
	first, room := 0, size
	for i := range states {
		n := 20 + len(states[i].JSON)
		if n > room && i > first {
			parts = append(parts, states[first:i])
			first, room = i, size
		}
		room -= n
	}
	if first < len(states) {
		parts = append(parts, states[first:])
	}
	return parts
}

// bound is a state with the user whose it is, whatever it says itself. A user
// without an id is one who has not signed in, and has no name.
func bound(state []byte, id, name string) ([]byte, error) {
	if len(state) > MaxState {
		return nil, fmt.Errorf("%w: a state of more than %d bytes", ErrLimit, MaxState)
	}
	var fields, user map[string]json.RawMessage
	if err := json.Unmarshal(state, &fields); err != nil || fields == nil {
		return nil, malformed("a state is not a JSON object")
	}
	_ = json.Unmarshal(fields["user"], &user) // what is no object says nothing of a user
	if user == nil {
		user = make(map[string]json.RawMessage, 2)
	}
	delete(user, "id")
	delete(user, "name")
	if id != "" {
		user["id"], _ = json.Marshal(id)
		user["name"], _ = json.Marshal(name)
	}
	var err error
	if fields["user"], err = json.Marshal(user); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// owner is the id of the user in a state that a node has bound: by the names as they
// are, since a struct would take fields whose case differs, which bound leaves.
func owner(state []byte) (id string) {
	var fields, user map[string]json.RawMessage
	_ = json.Unmarshal(state, &fields)
	_ = json.Unmarshal(fields["user"], &user)
	_ = json.Unmarshal(user["id"], &id)
	return id
}
