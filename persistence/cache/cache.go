package cache

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"atelier/messages"
)

// Config bounds what is kept in memory and what waits to be kept elsewhere.
type Config struct {
	Entries int
	Keep    time.Duration
	Waiting int // values on their way to shared tiers
}

// DefaultConfig keeps a thousand values for five minutes.
func DefaultConfig() Config {
	return Config{Entries: 1000, Keep: 5 * time.Minute, Waiting: 1000}
}

// together is how many values are taken to a tier at one time.
const together = 100

// Key is a value of one stamp.
type Key struct{ Name, Stamp string }

// Cache is the tiers. It is safe for concurrent use.
type Cache struct {
	memory *memory
	first  tally // of memory
	tiers  []*tier
	queue  chan passage // nil: there is memory alone

	mu      sync.Mutex
	flights map[Key]*flight // values that are being worked out
}

// passage is a value on its way to the first tiers: so many as do not have it.
type passage struct {
	messages.Cached
	tiers int
}

// flight is a value that somebody works out and others wait for.
type flight struct {
	done chan struct{} // closed when body and err are there
	body []byte
	err  error
}

// New makes a cache. What is kept in the tiers goes there while Run runs.
func New(c Config, log *slog.Logger, tiers ...Tier) *Cache {
	all := &Cache{memory: newMemory(c.Entries, c.Keep), flights: make(map[Key]*flight)}
	for _, t := range tiers {
		all.tiers = append(all.tiers, &tier{Tier: t, log: log})
	}
	if len(tiers) > 0 {
		all.queue = make(chan passage, c.Waiting)
	}
	return all
}

// Get returns the values that there are, by name. Bodies must not be changed.
func (c *Cache) Get(ctx context.Context, keys ...Key) map[string][]byte {
	found, wanted := make(map[string][]byte, len(keys)), make(map[string]string)
	for _, k := range keys {
		if body, ok := c.memory.get(k); ok {
			found[k.Name] = body
		} else {
			wanted[k.Name] = k.Stamp
		}
	}
	c.first.hits.Add(int64(len(found)))
	c.first.misses.Add(int64(len(wanted)))
	if len(wanted) == 0 {
		return found
	}
	for i, t := range c.tiers {
		for _, v := range t.get(ctx, wanted) {
			found[v.Name] = v.Body
			delete(wanted, v.Name)
			c.memory.put(v)
			c.enqueue(v, i)
		}
		if len(wanted) == 0 {
			break
		}
	}
	return found
}

// Put keeps a value, unless it is in memory already: then it went to the tiers with
// that.
func (c *Cache) Put(v messages.Cached) {
	if _, kept := c.memory.get(Key{v.Name, v.Stamp}); kept {
		return
	}
	c.memory.put(v)
	c.enqueue(v, len(c.tiers))
}

// enqueue has a value taken to the first tiers.
func (c *Cache) enqueue(v messages.Cached, tiers int) {
	if tiers == 0 {
		return
	}
	select {
	case c.queue <- passage{v, tiers}:
	default:
	}
}

// One returns a value, or works it out, once for all who ask for it meanwhile. The
// stamp that work returns may be another than the one asked for; what it made is then
// for this caller alone, and not kept.
func (c *Cache) One(ctx context.Context, k Key, work func(context.Context) (messages.Cached, error)) ([]byte, error) {
	if body, ok := c.Get(ctx, k)[k.Name]; ok {
		return body, nil
	}
	c.mu.Lock()
	f := c.flights[k]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flights[k] = f
		c.mu.Unlock()
		return c.fly(ctx, k, f, work)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.err != nil || f.body == nil { // his time was up, or it is another stamp's
		v, err := work(ctx)
		return v.Body, err
	}
	return f.body, nil
}

func (c *Cache) fly(ctx context.Context, k Key, f *flight, work func(context.Context) (messages.Cached, error)) ([]byte, error) {
	defer func() {
		c.mu.Lock()
		delete(c.flights, k)
		c.mu.Unlock()
		close(f.done)
	}()
	v, err := work(ctx)
	if f.err = err; err == nil && v.Stamp == k.Stamp {
		f.body = v.Body
		c.Put(v)
	}
	return v.Body, err
}

// Run takes values to the shared tiers until ctx ends.
func (c *Cache) Run(ctx context.Context) {
	values := make(map[string]passage, together) // the latest of each name
	for {
		clear(values)
		select {
		case <-ctx.Done():
			return
		case v := <-c.queue:
			values[v.Name] = v
		}
	more:
		for len(values) < together {
			select {
			case v := <-c.queue:
				values[v.Name] = v
			default:
				break more
			}
		}
		for i, t := range c.tiers {
			batch := make([]messages.Cached, 0, len(values))
			for _, v := range values {
				if i < v.tiers {
					batch = append(batch, v.Cached)
				}
			}
			t.put(ctx, batch)
		}
	}
}

// Stats is what was looked for in a tier.
type Stats struct {
	Tier                   string
	Hits, Misses, Failures int64
}

// Stats are those of memory and of the tiers behind it; none of no cache.
func (c *Cache) Stats() []Stats {
	if c == nil {
		return nil
	}
	all := []Stats{{Tier: "memory", Hits: c.first.hits.Load(), Misses: c.first.misses.Load()}}
	for _, t := range c.tiers {
		all = append(all, Stats{t.Name, t.hits.Load(), t.misses.Load(), t.failures.Load()})
	}
	return all
}

// Len is how many values are in memory.
func (c *Cache) Len() int {
	if c == nil {
		return 0
	}
	return c.memory.len()
}
