package limit

import (
	"hash/maphash"
	"sync"

	"atelier/messages"
)

const (
	shards     = 64
	sharedLogs = 64    // of each shard
	sweepEvery = 30000 // milliseconds
	sweepSoon  = 1000  // where there is no room
)

// Memory holds the logs of callers. One takes some 200 bytes, and 4 more for each
// request that its limits look back on.
type Memory struct {
	limits []messages.Limit // largest that take is given
	most   int              // callers of a shard
	seed   maphash.Seed
	shards [shards]shard
}

// shard is a part of the callers.
type shard struct {
	mu     sync.Mutex
	logs   map[string]*log
	shared [sharedLogs]log // of callers for whom there was no room
	swept  int64
}

// NewMemory makes a Memory for so many callers.
func NewMemory(limits []messages.Limit, callers int) *Memory {
	m := &Memory{limits: limits, most: max(1, callers/shards), seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].logs = map[string]*log{}
	}
	return m
}

// Take lets a request of the caller's through, or says when to come again. Now is
// in milliseconds, from whenever; limits are the memory's or a share of them.
func (m *Memory) Take(now int64, caller string, limits []messages.Limit) messages.Verdict {
	hash := maphash.String(m.seed, caller)
	s := &m.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	l := m.find(s, now, caller, hash)
	v := l.take(now, limits)
	if v.Wait == 0 {
		l.owed = min(l.owed+1, l.n)
	}
	return v
}

// Record puts down a request that was let through elsewhere.
func (m *Memory) Record(now int64, caller string) {
	hash := maphash.String(m.seed, caller)
	s := &m.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	l := m.find(s, now, caller, hash)
	l.add(l.forget(now, m.limits), m.limits)
}

// Claim is when requests of the caller's were let through by this memory alone,
// since the last claim.
func (m *Memory) Claim(caller string) []int64 {
	s := &m.shards[maphash.String(m.seed, caller)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.logs[caller]; l != nil && l.owed > 0 {
		return l.claim()
	}
	return nil
}

// Owe takes a claim back: so many of the caller's newest are still to be told.
func (m *Memory) Owe(caller string, n int) {
	s := &m.shards[maphash.String(m.seed, caller)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.logs[caller]; l != nil {
		l.owed = min(l.owed+n, l.n)
	}
}

// OweAll says that nothing has been told.
func (m *Memory) OweAll() {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for _, l := range s.logs {
			l.owed = l.n
		}
		s.mu.Unlock()
	}
}

// Owing are the callers of whom there is something to be told.
func (m *Memory) Owing() (callers []string) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for caller, l := range s.logs {
			if l.owed > 0 {
				callers = append(callers, caller)
			}
		}
		s.mu.Unlock()
	}
	return callers
}

// find is the caller's log. Who once shared one does so until it has nothing to
// say any more: a log of his own would let him begin anew.
func (m *Memory) find(s *shard, now int64, caller string, hash uint64) *log {
	if l, known := s.logs[caller]; known {
		return l
	}
	m.sweep(s, now)
	shared := &s.shared[hash/shards%sharedLogs]
	if len(s.logs) >= m.most || !shared.idle(now, m.limits) {
		return shared
	}
	l := &log{}
	s.logs[caller] = l
	return l
}

// sweep removes logs that say nothing any more.
func (m *Memory) sweep(s *shard, now int64) {
	if since := now - s.swept; since < sweepSoon || since < sweepEvery && len(s.logs) < m.most {
		return
	}
	s.swept = now
	for caller, l := range s.logs {
		if l.idle(now, m.limits) {
			delete(s.logs, caller)
		}
	}
}

// Callers is how many have logs of their own.
func (m *Memory) Callers() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.logs)
		s.mu.Unlock()
	}
	return n
}
