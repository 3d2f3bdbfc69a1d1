package http

// index puts a right into the table. The lock is held.
func (t *Holdings) index(h *hold) {
	h.socket.holds = append(h.socket.holds, h)
	if h.project != "" {
		enlist(t.projects, h.project, h)
		return
	}
	t.roots[h] = struct{}{}
	enlist(t.users, h.user, h)
	enlist(t.sessions, h.session, h)
}

// forget takes it out. The lock is held.
func (t *Holdings) forget(h *hold) {
	if h.state == over {
		return
	}
	h.state = over
	h.dead.Store(true)
	for i, held := range h.socket.holds {
		if held == h {
			h.socket.holds = append(h.socket.holds[:i], h.socket.holds[i+1:]...)
			break
		}
	}
	delete(t.roots, h)
	strike(t.users, h.user, h)
	strike(t.sessions, h.session, h)
	strike(t.projects, h.project, h)
}

func enlist(by map[string]map[*hold]struct{}, key string, h *hold) {
	if key == "" {
		return
	}
	if by[key] == nil {
		by[key] = make(map[*hold]struct{}, 1)
	}
	by[key][h] = struct{}{}
}

func strike(by map[string]map[*hold]struct{}, key string, h *hold) {
	delete(by[key], h)
	if len(by[key]) == 0 {
		delete(by, key)
	}
}
