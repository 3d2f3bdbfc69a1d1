package actors

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"atelier/actors/store"
)

// slot is a live entity's place in the directory.
type slot struct {
	kind   store.Kind
	id     string
	pid    *actor.PID
	used   atomic.Int64  // seconds since the epoch of the last call; written by callers, read by the janitor
	closed chan struct{} // closed once the actor has stopped: what it has not answered by then, it never will
}

const directoryShards = 64

// directory finds live entities by kind and id. It is sharded by id.
type directory struct {
	seed   maphash.Seed
	shards [directoryShards]shard
	live   atomic.Int64
}

type shard struct {
	mu     sync.RWMutex
	slots  map[address]*slot
	live   map[store.Kind]int64 // how many of them
	barred map[address]int      // hand-overs under way
}

type address struct {
	kind store.Kind
	id   string
}

func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		s := &d.shards[i]
		s.slots, s.live, s.barred = make(map[address]*slot), make(map[store.Kind]int64), make(map[address]int)
	}
	return d
}

func (d *directory) shard(id string) *shard {
	return &d.shards[maphash.String(d.seed, id)%directoryShards]
}

// find returns the slot of a live entity, or nil.
func (d *directory) find(kind store.Kind, id string) *slot {
	s := d.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.slots[address{kind, id}]
}

// get returns the entity's slot, making it with spawn where there is none; nil
// where none may be made.
func (d *directory) get(kind store.Kind, id string, spawn func(*slot) *actor.PID) *slot {
	if at := d.find(kind, id); at != nil {
		return at
	}
	s := d.shard(id)
	key := address{kind, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.slots[key]; at != nil {
		return at
	}
	if s.barred[key] > 0 {
		return nil
	}
	at := &slot{kind: kind, id: id, closed: make(chan struct{})}
	at.pid = spawn(at)
	s.slots[key] = at
	s.live[kind]++
	d.live.Add(1)
	return at
}

// bar returns the entity's slot, or nil, and lets none be made until lift is
// called.
func (d *directory) bar(kind store.Kind, id string) (at *slot, lift func()) {
	s := d.shard(id)
	key := address{kind, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred[key]++
	return s.slots[key], func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.barred[key]--; s.barred[key] == 0 {
			delete(s.barred, key)
		}
	}
}

// remove takes a slot out, unless another activation has its place already.
func (d *directory) remove(at *slot) {
	s := d.shard(at.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := (address{at.kind, at.id}); s.slots[key] == at {
		delete(s.slots, key)
		s.live[at.kind]--
		d.live.Add(-1)
	}
}

// count adds up the live entities by kind.
func (d *directory) count(live map[store.Kind]int64) {
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.RLock()
		for kind, n := range s.live {
			live[kind] += n
		}
		s.mu.RUnlock()
	}
}

// each calls f for a snapshot of the slots, shard by shard.
func (d *directory) each(f func(*slot)) {
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.RLock()
		slots := make([]*slot, 0, len(s.slots))
		for _, at := range s.slots {
			slots = append(slots, at)
		}
		s.mu.RUnlock()
		for _, at := range slots {
			f(at)
		}
	}
}
