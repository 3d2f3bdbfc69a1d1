package yupdate

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// span is a range of clocks.
type span struct{ from, to uint64 }

// ranges are spans of one client's clocks: ascending, and apart from each other.
type ranges struct {
	client uint64
	spans  []span
}

func parseDeletes(r *reader, limits Limits) ([]ranges, error) {
	clients, err := r.count(2)
	if err != nil {
		return nil, err
	}
	if clients > limits.Clients {
		return nil, exceeds("clients", uint64(limits.Clients))
	}
	var all []ranges
	for total := 0; clients > 0; clients-- {
		var one ranges
		if one.client, err = r.uint(); err != nil {
			return nil, err
		}
		n, err := r.count(2)
		if err != nil {
			return nil, err
		}
		if total += n; total > limits.Deletes {
			return nil, exceeds("deleted ranges", uint64(limits.Deletes))
		}
		if one.spans, err = parseSpans(r, n, limits.Clock); err != nil {
			return nil, err
		}
		if len(one.spans) > 0 {
			all = append(all, one)
		}
	}
	return normal(all), nil
}

func parseSpans(r *reader, n int, most uint64) ([]span, error) {
	spans := make([]span, 0, n)
	for ; n > 0; n-- {
		from, err := r.uint()
		if err != nil {
			return nil, err
		}
		length, err := r.uint()
		if err != nil {
			return nil, err
		}
		if from+length > most {
			return nil, exceeds("units of one client", most)
		}
		if length > 0 {
			spans = append(spans, span{from, from + length})
		}
	}
	return spans, nil
}

// normal joins the ranges of each client, the highest first. It may change what
// it is given.
func normal(all []ranges) []ranges {
	slices.SortStableFunc(all, func(a, b ranges) int { return cmp.Compare(b.client, a.client) })
	out := all[:0]
	for start := 0; start < len(all); {
		stop := start + 1
		for stop < len(all) && all[stop].client == all[start].client {
			stop++
		}
		one := all[start]
		if stop > start+1 {
			var spans []span
			for _, more := range all[start:stop] {
				spans = append(spans, more.spans...)
			}
			one.spans = spans
		}
		one.spans = united(one.spans)
		out = append(out, one)
		start = stop
	}
	return out
}

// united sorts spans and joins those that touch. Spans in order are returned
// as they are.
func united(spans []span) []span {
	ordered := true
	for i := 1; i < len(spans) && ordered; i++ {
		ordered = spans[i-1].to < spans[i].from
	}
	if ordered {
		return spans
	}
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := spans[:1]
	for _, s := range spans[1:] {
		if last := &out[len(out)-1]; s.from <= last.to {
			last.to = max(last.to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// after is the index of the first span that ends after a clock.
func after(spans []span, clock uint64) int {
	return sort.Search(len(spans), func(i int) bool { return spans[i].to > clock })
}

// without are the parts of a span that are in none of these.
func without(spans []span, s span) (rest []span) {
	for i := after(spans, s.from); i < len(spans) && spans[i].from < s.to; i++ {
		if s.from < spans[i].from {
			rest = append(rest, span{s.from, spans[i].from})
		}
		s.from = spans[i].to
	}
	if s.from < s.to {
		rest = append(rest, s)
	}
	return rest
}

// few spans are put among others one by one; of more, each of which would move
// those behind it, all are sorted together.
const few = 4

// plus adds more spans, which ascend. It may change spans.
func plus(spans, more []span) []span {
	if len(more) > few {
		return united(append(spans, more...))
	}
	for _, s := range more {
		spans = put(spans, s)
	}
	return spans
}

func put(spans []span, s span) []span {
	if n := len(spans); n == 0 || spans[n-1].to < s.from {
		return append(spans, s)
	}
	// Those from first to last touch it and become one with it.
	first := sort.Search(len(spans), func(i int) bool { return spans[i].to >= s.from })
	last := first
	for last < len(spans) && spans[last].from <= s.to {
		s.from, s.to = min(s.from, spans[last].from), max(s.to, spans[last].to)
		last++
	}
	return slices.Replace(spans, first, last, s)
}

func rangesOf(all []ranges, client uint64) []span {
	i, found := slices.BinarySearchFunc(all, client, func(r ranges, client uint64) int { return cmp.Compare(client, r.client) })
	if !found {
		return nil
	}
	return all[i].spans
}

func appendDeletes(dst []byte, all []ranges) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	for _, one := range all {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, one.client), uint64(len(one.spans)))
		for _, s := range one.spans {
			dst = binary.AppendUvarint(binary.AppendUvarint(dst, s.from), s.to-s.from)
		}
	}
	return dst
}
