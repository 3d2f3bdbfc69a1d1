package actors

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

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

// idle is how long nobody has called.
func (at *slot) idle(now time.Time) time.Duration { return now.Sub(time.Unix(at.used.Load(), 0)) }

const directoryShards = 64

// directory finds live entities by kind and id. It is sharded by id.
type directory struct {
	seed   maphash.Seed
	shards [directoryShards]shard
	live   atomic.Int64
}

type shard struct {
	mu      sync.RWMutex
	slots   map[address]*slot
	live    map[store.Kind]int64 // how many of them
	leaving map[address]*slot    // not found any more, and has not stopped: a flight may be in the air; of several the last, whose claim has fenced the others
	barred  map[address]int      // hand-overs under way
}

type address struct {
	kind store.Kind
	id   string
}

func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		s := &d.shards[i]
		s.slots, s.live = make(map[address]*slot), make(map[store.Kind]int64)
		s.leaving, s.barred = make(map[address]*slot), make(map[address]int)
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
	at.used.Store(time.Now().Unix())
	at.pid = spawn(at)
	s.slots[key] = at
	s.live[kind]++
	d.live.Add(1)
	return at
}

// bar returns the entity's slots, of which one may be leaving, and lets none be made
// until lift is called.
func (d *directory) bar(kind store.Kind, id string) (all []*slot, lift func()) {
	s := d.shard(id)
	key := address{kind, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred[key]++
	for _, at := range []*slot{s.leaving[key], s.slots[key]} {
		if at != nil {
			all = append(all, at)
		}
	}
	return all, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.barred[key]--; s.barred[key] == 0 {
			delete(s.barred, key)
		}
	}
}

// leave takes a slot out, so that another may have its place. It is kept aside until
// it has stopped.
func (d *directory) leave(at *slot) {
	d.take(at, func(s *shard, key address) { s.leaving[key] = at })
}

// remove forgets a slot that has stopped.
func (d *directory) remove(at *slot) {
	d.take(at, func(s *shard, key address) {
		if s.leaving[key] == at {
			delete(s.leaving, key)
		}
	})
}

// take takes a slot out, unless another activation has its place already, and does
// the rest under the same lock.
func (d *directory) take(at *slot, and func(s *shard, key address)) {
	s := d.shard(at.id)
	key := address{at.kind, at.id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots[key] == at {
		delete(s.slots, key)
		s.live[at.kind]--
		d.live.Add(-1)
	}
	and(s, key)
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
