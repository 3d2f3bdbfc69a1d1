package http

// head is how far the log of a project has come that is watched, as far as it is known
// here.
type head struct {
	project string
	seq     int64
	right   *hold
}

// heads are those of what was answered.
func (ch *channel) heads() (all []head) {
	for _, u := range ch.all() {
		u.mu.Lock()
		if u.phase == replaying || u.phase == following {
			all = append(all, head{u.project, u.head, u.right})
		}
		u.mu.Unlock()
	}
	return all
}

// sayHeads queues a frame that tells of heads: of those alone whose right is not over
// when it is written. Who has lost a project hears nothing more of it.
func (ch *channel) sayHeads(encode func(map[string]int64) []byte) {
	all := ch.heads()
	ch.queue(frame{now: func() []byte {
		left := make(map[string]int64, len(all))
		for _, h := range all {
			if !h.right.dead.Load() {
				left[h.project] = h.seq
			}
		}
		return encode(left)
	}})
}
