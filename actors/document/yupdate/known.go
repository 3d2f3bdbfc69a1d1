package yupdate

// Known is which units somebody has and which of them are deleted, without what
// they are: all that it takes to tell what is new in an update.
type Known struct {
	clients map[uint64]*known
}

type known struct{ written, deleted []span }

// NewKnown knows what is in an update.
func NewKnown(u *Update) *Known {
	k := &Known{clients: make(map[uint64]*known, len(u.runs))}
	k.Add(u)
	return k
}

func (k *Known) of(client uint64) *known {
	one, ok := k.clients[client]
	if !ok {
		one = &known{}
		k.clients[client] = one
	}
	return one
}

// Add notes what is in an update.
func (k *Known) Add(u *Update) {
	for i := range u.runs {
		one := k.of(u.runs[i].client)
		one.written = plus(one.written, u.runs[i].spans())
	}
	for _, gone := range u.deletes {
		one := k.of(gone.client)
		one.deleted = plus(one.deleted, gone.spans)
	}
}

// spans are the ranges between the holes of a run.
func (r *run) spans() []span {
	spans := make([]span, 0, 1)
	for i := range r.blocks {
		b := &r.blocks[i]
		if n := len(spans); n > 0 && spans[n-1].to == b.clock {
			spans[n-1].to = b.end()
			continue
		}
		spans = append(spans, span{b.clock, b.end()})
	}
	return spans
}

// News is the part of an update that is not known, nil if all of it is.
func (k *Known) News(u *Update) *Update {
	news := &Update{}
	for i := range u.runs {
		r := &u.runs[i]
		one, ok := k.clients[r.client]
		if !ok {
			news.runs = append(news.runs, *r)
			continue
		}
		if fresh := r.without(one.written); len(fresh.blocks) > 0 {
			news.runs = append(news.runs, fresh)
		}
	}
	for _, gone := range u.deletes {
		one, ok := k.clients[gone.client]
		if !ok {
			news.deletes = append(news.deletes, gone)
			continue
		}
		fresh := ranges{client: gone.client}
		for _, s := range gone.spans {
			fresh.spans = append(fresh.spans, without(one.deleted, s)...)
		}
		if len(fresh.spans) > 0 {
			news.deletes = append(news.deletes, fresh)
		}
	}
	if news.Empty() {
		return nil
	}
	return news
}

// without are the parts of a run that are in none of these spans.
func (r *run) without(spans []span) run {
	fresh := run{client: r.client}
	for i := range r.blocks {
		b := &r.blocks[i]
		first := after(spans, b.clock)
		switch {
		case first == len(spans) || spans[first].from >= b.end():
			fresh.blocks = append(fresh.blocks, *b)
			continue
		case spans[first].from <= b.clock && b.end() <= spans[first].to:
			continue
		}
		rest := without(spans[first:], span{b.clock, b.end()})
		var cuts []uint64
		for _, s := range rest {
			if s.from > b.clock {
				cuts = append(cuts, s.from)
			}
			if s.to < b.end() {
				cuts = append(cuts, s.to)
			}
		}
		at := 0
		for _, piece := range b.pieces(r.client, cuts...) {
			if at < len(rest) && piece.clock == rest[at].from {
				fresh.blocks = append(fresh.blocks, piece)
				at++
			}
		}
	}
	return fresh
}

// Clone copies what is known.
func (k *Known) Clone() *Known {
	c := &Known{clients: make(map[uint64]*known, len(k.clients))}
	for client, one := range k.clients {
		c.clients[client] = &known{append([]span(nil), one.written...), append([]span(nil), one.deleted...)}
	}
	return c
}

// Vector is the state vector of what is known.
func (k *Known) Vector() Vector {
	v := make(Vector, len(k.clients))
	for client, one := range k.clients {
		if len(one.written) > 0 && one.written[0].from == 0 {
			v[client] = one.written[0].to
		}
	}
	return v
}
