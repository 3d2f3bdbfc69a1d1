package token

import (
	"crypto/sha256"
	"sync"
	"time"

	"atelier/messages"
)

// Cache remembers, by the token's SHA-256, what was found out about verified
// tokens. It is bounded; expiry is checked on every hit; a revocation drops what
// it concerns, and what is being found out about it at the time.
type Cache[V any] struct {
	max int
	now func() time.Time

	mu       sync.RWMutex
	entries  map[[sha256.Size]byte]*entry[V]
	users    map[string]map[*entry[V]]struct{}
	sessions map[string]map[*entry[V]]struct{}
}

type entry[V any] struct {
	hash          [sha256.Size]byte
	user, session string
	value         V
	expires       time.Time
	ready         bool // false while the truth is being asked
	revoked       bool // while it was being asked
}

// NewCache makes a cache of at most max entries.
func NewCache[V any](max int, now func() time.Time) *Cache[V] {
	return &Cache[V]{
		max: max, now: now, entries: make(map[[sha256.Size]byte]*entry[V]),
		users: make(map[string]map[*entry[V]]struct{}), sessions: make(map[string]map[*entry[V]]struct{}),
	}
}

// Get is what is remembered of a token.
func (c *Cache[V]) Get(token string) (v V, ok bool) {
	hash := digest(token)
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.entries[hash]
	if e == nil || !c.now().Before(e.expires) {
		return v, false
	}
	return e.value, true
}

// digest hashes without putting the token on the heap.
func digest(token string) [sha256.Size]byte {
	var stack [1 << 10]byte
	return sha256.Sum256(append(stack[:0], token...))
}

// Begin registers a token before the truth about it is asked. Keep stores the
// answer until expires, and reports false where a revocation came in between;
// drop ends the registration when there is nothing to keep.
func (c *Cache[V]) Begin(token, user, session string) (keep func(v V, expires time.Time) bool, drop func()) {
	e := &entry[V]{hash: digest(token), user: user, session: session}
	c.mu.Lock()
	defer c.mu.Unlock()
	index(c.users, user, e)
	index(c.sessions, session, e)
	return func(v V, expires time.Time) bool { return c.keep(e, v, expires) }, func() { c.abandon(e) }
}

func (c *Cache[V]) keep(e *entry[V], v V, expires time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.revoked {
		return false
	}
	if old := c.entries[e.hash]; old != nil {
		c.forget(old)
	}
	c.evict()
	e.value, e.expires, e.ready = v, expires, true
	c.entries[e.hash] = e
	return true
}

func (c *Cache[V]) abandon(e *entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.ready {
		c.forget(e)
	}
}

// Revoke drops what the marks concern.
func (c *Cache[V]) Revoke(marks []messages.Mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range marks {
		switch {
		case m.Session != "":
			c.drop(c.sessions[m.Session])
		case m.User != "" && m.Project == "":
			c.drop(c.users[m.User])
		}
	}
}

// Clear drops everything.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entries := range c.users {
		c.drop(entries)
	}
}

func (c *Cache[V]) drop(entries map[*entry[V]]struct{}) {
	for e := range entries {
		e.revoked = true
		c.forget(e)
	}
}

func (c *Cache[V]) forget(e *entry[V]) {
	if c.entries[e.hash] == e {
		delete(c.entries, e.hash)
	}
	unindex(c.users, e.user, e)
	unindex(c.sessions, e.session, e)
}

// evict makes room for one: expired entries first seen, else any. Maps are
// walked in random order, which makes it a random choice.
func (c *Cache[V]) evict() {
	if len(c.entries) < c.max {
		return
	}
	looked, now := 0, c.now()
	var victim *entry[V]
	for _, e := range c.entries {
		victim = e
		if looked++; looked == 8 || !now.Before(e.expires) {
			break
		}
	}
	if victim != nil {
		c.forget(victim)
	}
}

func index[V any](by map[string]map[*entry[V]]struct{}, key string, e *entry[V]) {
	if by[key] == nil {
		by[key] = make(map[*entry[V]]struct{}, 1)
	}
	by[key][e] = struct{}{}
}

func unindex[V any](by map[string]map[*entry[V]]struct{}, key string, e *entry[V]) {
	delete(by[key], e)
	if len(by[key]) == 0 {
		delete(by, key)
	}
}
