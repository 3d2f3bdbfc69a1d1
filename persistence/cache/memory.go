package cache

import (
	"container/list"
	"sync"
	"time"

	"atelier/messages"
)

// memory holds the values that were used last.
type memory struct {
	most int
	keep time.Duration

	mu     sync.Mutex // of everything below
	byName map[string]*list.Element
	used   *list.List // of held, the latest first
}

type held struct {
	messages.Cached
	until time.Time
}

func newMemory(most int, keep time.Duration) *memory {
	return &memory{most: most, keep: keep, byName: make(map[string]*list.Element), used: list.New()}
}

// get returns the value of this stamp. The body must not be changed.
func (m *memory) get(k Key) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byName[k.Name]
	if e == nil {
		return nil, false
	}
	h := e.Value.(*held)
	if !time.Now().Before(h.until) {
		m.remove(e)
		return nil, false
	}
	if h.Stamp != k.Stamp {
		return nil, false
	}
	m.used.MoveToFront(e)
	return h.Body, true
}

func (m *memory) put(v messages.Cached) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := &held{v, time.Now().Add(m.keep)}
	if e := m.byName[v.Name]; e != nil {
		e.Value = h
		m.used.MoveToFront(e)
		return
	}
	m.byName[v.Name] = m.used.PushFront(h)
	if m.used.Len() > m.most {
		m.remove(m.used.Back())
	}
}

func (m *memory) remove(e *list.Element) {
	delete(m.byName, e.Value.(*held).Name)
	m.used.Remove(e)
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used.Len()
}
