package actors

import (
	"hash/maphash"
	"sync"

	"atelier/messages"
)

const topicShards = 32

// byTopic are values by topic, sharded by its id: commits to others do not meet.
type byTopic[V any] struct {
	seed   maphash.Seed
	shards [topicShards]topicShard[V]
}

type topicShard[V any] struct {
	mu sync.RWMutex
	m  map[messages.Topic]V
}

func (b *byTopic[V]) init() {
	b.seed = maphash.MakeSeed()
	for i := range b.shards {
		b.shards[i].m = make(map[messages.Topic]V)
	}
}

// index is that of a topic's shard.
func (b *byTopic[V]) index(name messages.Topic) uint64 {
	return maphash.String(b.seed, name.ID) % topicShards
}

func (b *byTopic[V]) shard(name messages.Topic) *topicShard[V] { return &b.shards[b.index(name)] }

// find is the value of a topic; where there is none, nothing.
func (b *byTopic[V]) find(name messages.Topic) V {
	s := b.shard(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[name]
}

func (b *byTopic[V]) count() (n int) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		n += len(s.m)
		s.mu.RUnlock()
	}
	return n
}
